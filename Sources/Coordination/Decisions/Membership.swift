package import Wire

/// One end of a control connection, as the coordinator's socket names it.
package struct Peer: Hashable, Sendable {
    package let routingID: [UInt8]
    /// Where it is, for people to read; nil where that is not known.
    package var address: String?

    package init(_ routingID: [UInt8]) {
        self.routingID = routingID
    }

    package static func == (a: Peer, b: Peer) -> Bool { a.routingID == b.routingID }

    package func hash(into hasher: inout Hasher) { hasher.combine(routingID) }
}

/// What everybody in a run must share.
///
/// nil admits any.
package struct Requirements: Equatable, Sendable {
    package var software: String
    package var libtorch: String
    /// One exactness class only (`--exact`): this one, or, if empty, the first worker's.
    package var exactnessClass: String?
    package var shape: Status.Shape
    /// More are not let in.
    package var mostWorkers = 4096

    package init(software: String, libtorch: String, exactnessClass: String?, shape: Status.Shape) {
        self.software = software
        self.libtorch = libtorch
        self.exactnessClass = exactnessClass
        self.shape = shape
    }

    /// The first thing in `application` that does not fit.
    func refusal(of application: Application) -> Refusal? {
        if application.protocolVersion != Header.protocolVersion {
            return Refusal(
                field: "protocol version", yours: "\(application.protocolVersion)", mine: "\(Header.protocolVersion)",
                fix: "install the same Danlu on both")
        }
        if application.software != software {
            return Refusal(
                field: "Danlu version", yours: application.software, mine: software,
                fix: "install Danlu \(software) on this worker")
        }
        if application.libtorch != libtorch {
            return Refusal(
                field: "libtorch version", yours: application.libtorch, mine: libtorch,
                fix: "install libtorch \(libtorch) on this worker, or name one with LIBTORCH")
        }
        if let exactnessClass, !exactnessClass.isEmpty, application.exactnessClass != exactnessClass {
            return Refusal(
                field: "exactness class", yours: application.exactnessClass, mine: exactnessClass,
                fix: "use a machine of the coordinator's class, or run without --exact")
        }
        return nil
    }

    func refusal(of shape: Status.Shape) -> Refusal? {
        guard shape != self.shape else { return nil }
        return Refusal(
            field: "shape of what is trained", yours: "\(shape.parameterCount) numbers (\(shape.tableHash))",
            mine: "\(self.shape.parameterCount) numbers (\(self.shape.tableHash))",
            fix: "use the same base model on both")
    }
}

/// Who is in the run, decided from what was heard and when.
package struct Membership: Sendable {
    /// A worker that has been welcomed and has not left.
    package struct Member: Equatable, Sendable {
        package let id: WorkerID
        package let name: String
        let application: Application
        let peer: Peer
        let stamp: Stamp
        let joinedAt: Duration
        var heardAt: Duration
        var isSuspect = false
        /// Has made its learner, of the right shape.
        var isReady = false
        var readyAt: Duration?
        /// Whose data ports it has reached.
        var reached: Set<WorkerID> = []
        var hasBulk = false
        /// Asked to leave at the next step.
        var isDraining = false
        var progress: UInt64 = 0
        var progressAt: Duration
        /// The slot it said last that it was computing.
        var slot: Int?
        var memory: Status.Memory?
        var holding: Status.Holding?
        /// The weights last sent to it, and when.
        var sent: Status.Holding?
        var sentAt: Duration = .zero
        /// Whether the change was enough for it.
        var isSentUpdate = false
        /// Weights of an earlier delivery than this do not count, whatever they are said to be.
        var mustHold: UInt32 = 0
        /// When it did something that only a broken machine does.
        var faults: [Duration] = []
        /// Pings in a row that did not know of its lease.
        var forgetfulPings = 0

        var mayCompute: Bool { isReady && hasBulk && !isSuspect && !isDraining && mustHold == 0 }
    }

    let run: RunID
    var requirements: Requirements
    package private(set) var members: [WorkerID: Member] = [:]
    var quarantine: Quarantine
    private var byPeer: [Peer: WorkerID] = [:]
    private var numbers: [String: WorkerID] = [:]
    private var incarnation: UInt64
    private var lastNumber: UInt32 = 0

    init(run: RunID, incarnation: UInt64, requirements: Requirements, patience: Patience) {
        quarantine = Quarantine(patience)
        self.run = run
        self.incarnation = incarnation
        self.requirements = requirements
    }

    subscript(id: WorkerID) -> Member? {
        get { members[id] }
        set { members[id] = newValue }
    }

    /// By number, so that everything that is decided over members is decided in one order.
    var sorted: [Member] { members.values.sorted { $0.id < $1.id } }

    /// Whose message this is; nil for a stranger, and for a stamp of an earlier life.
    func member(at peer: Peer, with stamp: Stamp) -> WorkerID? {
        guard let id = byPeer[peer], let member = members[id], member.stamp == stamp else { return nil }
        return id
    }

    /// Whose bulk connection this is; nil for a stamp of an earlier life.
    func member(with stamp: Stamp) -> WorkerID? {
        members[stamp.worker].flatMap { $0.stamp == stamp ? $0.id : nil }
    }

    /// The member that the same process was before it asked again.
    func earlierLife(of application: Application, at peer: Peer) -> WorkerID? {
        byPeer[peer]
            ?? members.values.first {
                $0.name == application.name && $0.application.instance == application.instance
            }?.id
    }

    /// Takes somebody in, or says what does not fit.
    mutating func admit(_ application: Application, at peer: Peer, now: Duration) -> Result<Member, Refused> {
        if let refusal = requirements.refusal(of: application) { return .failure(Refused(refusal: refusal)) }
        if let refusal = refusal(of: application.name) { return .failure(Refused(refusal: refusal)) }
        if let refusal = quarantine.refusal(of: application.name, at: now) {
            return .failure(Refused(refusal: refusal))
        }
        if let other = members.values.first(where: { $0.name == application.name }) {
            return .failure(
                Refused(
                    refusal: Refusal(
                        field: "worker name", yours: application.name + Self.place(of: peer),
                        mine: "taken by \(other.id)" + Self.place(of: other.peer),
                        fix: "give this worker another name, or wait until the other is gone", mayPass: true)))
        }
        guard members.count < requirements.mostWorkers else {
            return .failure(
                Refused(
                    refusal: Refusal(
                        field: "number of workers", yours: "\(members.count + 1) with this one",
                        mine: "at most \(requirements.mostWorkers)",
                        fix: "raise 'ulimit -Hn' on the coordinator's box, or wait until another worker leaves",
                        mayPass: true)))
        }
        if requirements.exactnessClass == "" { requirements.exactnessClass = application.exactnessClass }
        let id = number(for: application.name)
        incarnation += 1
        let member = Member(
            id: id, name: application.name, application: application, peer: peer,
            stamp: Stamp(run: run, incarnation: incarnation, worker: id), joinedAt: now, heardAt: now, progressAt: now)
        members[id] = member
        byPeer[peer] = id
        return .success(member)
    }

    private static func place(of peer: Peer) -> String { peer.address.map { " (from \($0))" } ?? "" }

    /// Names are printed and written down: they are short, and of characters that can be seen.
    private func refusal(of name: String) -> Refusal? {
        guard name.isEmpty || Membership.visible(name) != name else { return nil }
        return Refusal(
            field: "worker name", yours: Membership.visible(name), mine: "1 to 100 visible characters",
            fix: "give this worker another name with --name")
    }

    /// What of a name may be printed.
    static func visible(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.lazy.filter { !$0.properties.isUnseen }.prefix(100)))
    }

    struct Refused: Error {
        let refusal: Refusal
    }

    /// A worker that comes back has the number it had.
    private mutating func number(for name: String) -> WorkerID {
        if let known = numbers[name] { return known }
        lastNumber += 1
        // Names are the workers' own; what is remembered of them is bounded.
        if numbers.count < 10_000 { numbers[name] = WorkerID(lastNumber) }
        return WorkerID(lastNumber)
    }

    @discardableResult
    mutating func remove(_ id: WorkerID) -> Member? {
        guard let member = members.removeValue(forKey: id) else { return nil }
        byPeer[member.peer] = nil
        return member
    }
}

extension Unicode.Scalar.Properties {
    /// Controls, line ends, and marks that turn the direction of what follows.
    fileprivate var isUnseen: Bool {
        [.control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned].contains(generalCategory)
    }
}
