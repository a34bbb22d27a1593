import Mongo

/// Compares what the account in MongoDB may do with what the configuration needs.
struct PrivilegeCheck {
    let account: AccountPrivileges
    let findings: [Finding]
    /// Who cannot work as things are.
    private let held: Set<String>

    /// - Throws: ``MongoError`` when the server does not tell.
    init(_ configuration: BridgeConfiguration, deployment: Deployment, pool: MongoClientPool) throws(MongoError) {
        let account = try pool.withClient { client throws(MongoError) in try AccountPrivileges(of: client) }
        self.init(configuration, isCluster: deployment.isSharded, account: account)
    }

    init(_ configuration: BridgeConfiguration, isCluster: Bool, account: AccountPrivileges) {
        self.account = account
        let needs = PrivilegeNeeds.of(configuration, makesIndexes: false, isCluster: isCluster)
        let lacking = needs.compactMap { need -> PrivilegeNeed? in
            let actions = account.missing(need.actions, on: need.resource)
            return actions.isEmpty ? nil : PrivilegeNeed(need, only: actions)
        }
        held = Set(lacking.filter { $0.otherwise == nil }.map(\.subject))
        findings = Self.tooLittle(lacking) + Self.tooMuch(account.excess(over: PrivilegeNeeds.of(configuration, makesIndexes: true)))
    }

    /// Whether there is more to look at: without its rights a stream's other findings would say the same in other
    /// words.
    func allows(_ stream: StreamSettings) -> Bool { !held.contains(PrivilegeNeeds.subject(stream)) }

    func allows(_ dispatcher: DispatcherSettings) -> Bool { !held.contains(PrivilegeNeeds.subject(dispatcher)) }

    private static func tooLittle(_ lacking: [PrivilegeNeed]) -> [Finding] {
        let subjects = lacking.reduce(into: [String]()) { if !$0.contains($1.subject) { $0.append($1.subject) } }
        return subjects.flatMap { subject -> [Finding] in
            let mine = lacking.filter { $0.subject == subject }
            var findings: [Finding] = []
            let needed = mine.filter { $0.otherwise == nil }
            if !needed.isEmpty {
                let list = PrivilegeNeed.list(needed)
                findings.append(
                    .error(.mongoRightsMissing, subject, "the account lacks \(list)", remedy: PrivilegeNeed.remedy(granting: list)))
            }
            findings += mine.compactMap { need in
                guard let otherwise = need.otherwise else { return nil }
                let list = PrivilegeNeed.list([need])
                return .warning(
                    .mongoRightsLimited, subject, "the account lacks \(list), so \(otherwise)", remedy: PrivilegeNeed.remedy(granting: list)
                )
            }
            return findings
        }
    }

    private static func tooMuch(_ phrases: [String]) -> [Finding] {
        guard !phrases.isEmpty else { return [] }
        return [
            .warning(
                .mongoRightsExcessive, "MongoDB account",
                "may do more than the bridge needs: \(phrases.joined(separator: "; "))",
                remedy: "Give it a role of its own: \(PrivilegeNeed.advice), and nothing else")
        ]
    }
}
