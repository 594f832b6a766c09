/// Why a box is without a worker, in one sentence, and whether that can pass.
struct BoxFailure: Error, Equatable, CustomStringConvertible {
    enum Hope: Equatable {
        /// Somebody must do something first.
        case none
        /// The worker failed; another start may do better.
        case anotherStart
        /// The box may come within reach again.
        case connection
    }

    let description: String
    let hope: Hope

    init(_ description: String, hope: Hope = .none) {
        self.description = description
        self.hope = hope
    }

    /// What became of a connection, by ssh's words.
    init(ssh lines: [String], to box: Box) {
        func said(_ words: String) -> Bool { lines.contains { $0.contains(words) } }
        let place = box.place
        if said("Connection refused") {
            self.init("\(place) refuses ssh: start sshd there, or say its port", hope: .connection)
        } else if said("timed out") || said("No route to host") || said("Network is unreachable") {
            self.init("\(place) cannot be reached: is it on, and on this network?", hope: .connection)
        } else if said("Could not resolve hostname") {
            self.init("no address is known for \(box.host): check the name", hope: .connection)
        } else if said("REMOTE HOST IDENTIFICATION HAS CHANGED") {
            self.init(
                "\(place) shows another host key than before: if that is right, run 'ssh-keygen -R \(box.host)', else stay away"
            )
        } else if said("Host key verification failed") {
            self.init("\(place) is not known to ssh yet: run 'ssh \(box.host)' once and look at its key")
        } else if said("Permission denied") {
            self.init(
                "\(place) does not let us in: put a public key of yours there (ssh-copy-id), or say user and identity")
        } else {
            let words = lines.last { !$0.isEmpty } ?? "it said nothing"
            self.init("the connection to \(place) ended (\(words))", hope: .connection)
        }
    }
}
