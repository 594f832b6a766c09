import Foundation
package import Wire
import ZeroMQ

/// A look at the way to a coordinator, hop by hop, by somebody who does not join.
package final class Checkup {
    /// What was found about one hop.
    package struct Finding: Equatable, Sendable {
        package let subject: String
        /// nil for what is only told.
        package let isGood: Bool?
        package let sentence: String

        package init(_ subject: String, _ isGood: Bool?, _ sentence: String) {
            self.subject = subject
            self.isGood = isGood
            self.sentence = sentence
        }
    }

    /// What the coordinator said, if it did.
    package private(set) var answer: InquiryAnswer?

    private let address: Address
    private let key: KeyFile?
    private let patience: Duration
    private let observe: (Finding) -> Void
    private let clock = ContinuousClock()
    private var number: UInt64 = 0
    private var roundTrip = Duration.zero

    /// - Parameters:
    ///   - patience: for each hop.
    ///   - observe: told each finding at once.
    package init(
        of address: Address, key: KeyFile?, patience: Duration = .seconds(3), observe: @escaping (Finding) -> Void
    ) {
        self.patience = patience
        self.address = address
        self.key = key
        self.observe = observe
    }

    /// Goes as far as it gets, for at most about twenty seconds.
    ///
    /// - Returns: whether a worker would get through to the coordinator.
    /// - Throws: ``ZeroMQError`` of this box's own making.
    package func run() throws -> Bool {
        guard reach(address, "port") else { return false }
        let context = try Context()
        let socket = try Socket(.dealer, in: context)
        try setManners(of: socket, limit: Control.coordinatorLimit + 1024, highWaterMark: 100)
        try socket.set(.handshakeInterval, to: CInt(patience / .milliseconds(1)))
        let monitor = try SocketMonitor(of: socket, in: context)
        try key?.secure(socket)
        try allowIPv6(socket, towards: address)
        try socket.connect("\(address)")
        guard try greet(monitor), try ask(socket), let answer else { return false }
        measureClock(answer)
        try measureBandwidth(socket)
        return reach(Address(host: address.host, port: answer.bulkPort), "bulk port")
    }

    private func reach(_ address: Address, _ subject: String) -> Bool {
        let reach = Reach.of(address, timeout: patience)
        if let complaint = reach.complaint(address) {
            observe(Finding(subject, false, complaint))
            return false
        }
        if case .open(let ip, let time) = reach {
            observe(Finding(subject, true, "\(ip) port \(address.port) is open (\(milliseconds(time)))"))
        }
        return true
    }

    private func greet(_ monitor: SocketMonitor) throws -> Bool {
        var approach = Approach(to: address, keyName: key?.name)
        let deadline = clock.now + patience * 2
        while clock.now < deadline {
            _ = try poll([monitor.interest], timeout: .milliseconds(200))
            while let event = try monitor.next() {
                if event == .greeted {
                    let sentence = key.map { "encrypted, and let in as '\($0.name)'" } ?? "none, and none is asked for"
                    observe(Finding("key", true, sentence))
                    return true
                }
                if case .say(let sentence) = approach.heard(event, at: .zero) {
                    observe(Finding("key", false, sentence))
                    return false
                }
            }
        }
        observe(
            Finding("key", false, "what listens at \(address) does not greet as a coordinator does: check the port"))
        return false
    }

    /// Asks who is there.
    private func ask(_ socket: borrowing Socket) throws -> Bool {
        do {
            var times: [Duration] = []
            for _ in 0..<5 {
                let began = clock.now
                // The first answer may have to wait until a step is applied.
                guard let answer = try inquire(socket, patience: times.isEmpty ? patience * 3 : patience) else {
                    break
                }
                self.answer = answer
                times.append(clock.now - began)
            }
            guard let best = times.min() else {
                observe(
                    Finding("coordinator", false, "\(address) takes messages and does not answer: is it a coordinator?")
                )
                return false
            }
            roundTrip = best
            observe(Finding("protocol", true, "version \(Header.protocolVersion), as here"))
            observe(Finding("round trip", nil, milliseconds(best)))
            return true
        } catch WireError.protocolVersion(let theirs, let ours) {
            let sentence =
                "the coordinator speaks version \(theirs) and this box \(ours): install the same Danlu on both"
            observe(Finding("protocol", false, sentence))
        } catch let error as WireError {
            observe(Finding("protocol", false, "the coordinator's answer cannot be read: \(error)"))
        } catch let refused as Refused {
            observe(Finding(refused.refusal.field, false, "\(refused.refusal)"))
        }
        return false
    }

    private struct Refused: Error {
        let refusal: Refusal
    }

    /// The coordinator's answer, or nil when none comes in time.
    private func inquire(
        _ socket: borrowing Socket, padding: Int = 0, wanted: Int = 0, patience: Duration
    ) throws -> InquiryAnswer? {
        number += 1
        let inquiry = Inquiry(number: number, padding: Data(count: padding), wanted: wanted)
        try socket.send(letter(WorkerMessage.inquire(inquiry), stamp: .stranger))
        let deadline = clock.now + patience
        while clock.now < deadline {
            _ = try poll([Interest(socket)], timeout: .milliseconds(200))
            while let frames = try socket.receive(maximumFrames: 2) {
                let (header, payload) = try openHeader(frames[...])
                switch try open(CoordinatorMessage.self, header, payload, limit: Control.coordinatorLimit) {
                case .answer(let answer) where answer.number == number: return answer
                case .refused(let refusal): throw Refused(refusal: refusal)
                default: continue
                }
            }
        }
        return nil
    }

    private func measureClock(_ answer: InquiryAnswer) {
        let difference = answer.clock - Date().timeIntervalSince1970
        let size = (difference.magnitude * 1000).rounded() / 1000
        let words =
            size < 1
            ? "the same within a second" : "\(size) s \(difference > 0 ? "behind" : "ahead of") the coordinator's"
        observe(Finding("clock", nil, words + " (training does not depend on it)"))
    }

    /// Sends, and fetches, up to a megabyte, for a second at most.
    private func measureBandwidth(_ socket: borrowing Socket) throws {
        let size = Inquiry.paddingLimit
        func rate(_ probe: () throws -> Bool) rethrows -> String? {
            let began = clock.now
            var bytes = 0
            while bytes < 16 * size, clock.now - began < .seconds(1) {
                guard try probe() else { return nil }
                bytes += size
            }
            let waited = roundTrip * (bytes / size)
            let seconds = max(1e-6, (clock.now - began - waited).inSeconds)
            // JSON carries three bytes in four.
            return "\(Int((Double(bytes) * 4 / 3 * 8 / 1e6 / seconds).rounded())) Mbit/s"
        }
        let up = try rate { try inquire(socket, padding: size, patience: patience) != nil }
        let down = try rate { try inquire(socket, wanted: size, patience: patience)?.padding.count == size }
        guard let up, let down else {
            return observe(Finding("bandwidth", nil, "not measured: the coordinator is too busy to be asked"))
        }
        observe(Finding("bandwidth", nil, "at least \(up) there, \(down) back, in small messages"))
    }

    private func milliseconds(_ time: Duration) -> String {
        let tenths = Int((time.inSeconds * 10_000).rounded())
        return "\(tenths / 10).\(tenths % 10) ms"
    }
}
