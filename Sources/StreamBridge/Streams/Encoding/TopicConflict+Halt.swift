extension TopicConflict {
    var halt: Halt { Halt(reason: reason, remedy: remedy, status: .configuration) }
}

extension TopicSharing {
    /// The first two of a database's or of the cluster's collections that may not have the topic that they would have:
    /// a fault, or a warning where the pipeline may leave one of them out.
    func remark(on found: [Namespace], isCompacted: (String) -> Bool) -> StreamRemark? {
        refusal(among: found, isCompacted: isCompacted).map { conflict in
            chooses
                ? .warning(.streamTopicShared, conflict.reason, remedy: conflict.remedy)
                : .fault(.streamTopicShared, conflict.reason, remedy: conflict.remedy)
        }
    }
}
