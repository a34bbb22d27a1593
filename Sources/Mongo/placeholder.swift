import CMongo
