import ZeroMQ

/// What a worker says of a coordinator that it does not get through to: which hop fails, and what to do.
///
/// Told what happens to the connection, it answers with a sentence, and with the same one again only after a while.
struct Approach {
    /// What to do about an event.
    enum Step: Equatable {
        case nothing
        /// Find out why there is no connection, and tell ``reached(_:at:)``.
        case look
        case say(String)
    }

    private let address: Address
    /// The name of this worker's key and its file's coordinator; nil without one.
    private let keyName: String?
    private let pause: Duration
    private var said: String?
    private var saidAt = Duration.zero
    private var isLooking = false
    private var lookedAt: Duration?

    init(to address: Address, keyName: String?, pause: Duration = .seconds(60)) {
        self.address = address
        self.keyName = keyName
        self.pause = pause
    }

    mutating func heard(_ event: SocketEvent, at now: Duration) -> Step {
        switch event {
        case .retrying:
            guard !isLooking, lookedAt.map({ now - $0 > .seconds(5) }) ?? true else { return .nothing }
            isLooking = true
            lookedAt = now
            return .look
        case .greeted:
            said = nil
            return .nothing
        case .unwelcome:
            return say(
                "\(address) does not let this worker in: its key '\(keyName ?? "")' is not on the coordinator's list "
                    + "of authorized keys", at: now)
        case .greetingMismatched:
            return say(
                keyName == nil
                    ? "\(address) asks for a key: start this worker with --key and a key file that "
                        + "'danlu keygen' made there"
                    : "\(address) uses no keys, so it is no place for a worker with one: leave --key out, or start the "
                        + "coordinator with --keys", at: now)
        case .greetingBroken:
            return say(
                keyName == nil
                    ? "what listens at \(address) does not greet as a coordinator without keys does: if it asks for a key, "
                        + "start this worker with --key; if not, check the port"
                    : "what listens at \(address) is not the coordinator that this key is for, or uses no keys: "
                        + "copy a key file from there again, or check the port", at: now)
        case .connected, .accepted, .acceptFailed, .disconnected: return .nothing
        }
    }

    /// What ``Step/look`` has found.
    mutating func reached(_ reach: Reach, at now: Duration) -> Step {
        isLooking = false
        return reach.complaint(address).map { say($0, at: now) } ?? .nothing
    }

    private mutating func say(_ sentence: String, at now: Duration) -> Step {
        guard said != sentence || now - saidAt >= pause else { return .nothing }
        said = sentence
        saidAt = now
        return .say(sentence)
    }
}
