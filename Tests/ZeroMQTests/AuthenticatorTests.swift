import Foundation
import Testing
import ZeroMQ

@Suite struct `An authenticator` {
    /// A router that only those may reach whose keys an authenticator knows.
    private final class Server {
        let context: Context
        let keys: KeyPair
        let authenticator: Authenticator
        let rejections: Mailbox<Authenticator.Rejection>
        let router: Socket
        let monitor: SocketMonitor

        init(admitting names: [String: String]) throws {
            context = try Context()
            keys = try KeyPair.random()
            let rejections = try Mailbox<Authenticator.Rejection>()
            self.rejections = rejections
            authenticator = try Authenticator(in: context, admitting: names) { rejections.put($0) }
            router = try Socket(.router, in: context)
            try router.serve(with: keys)
            monitor = try SocketMonitor(of: router, in: context)
            try router.bind("tcp://127.0.0.1:*")
        }

        /// A message that `keys` send, as it comes in; nil when none does within the time.
        func message(from keys: KeyPair, timeout: Duration = .seconds(2)) throws -> [Frame]? {
            let dealer = try Socket(.dealer, in: context)
            try dealer.identify(with: keys, to: self.keys.publicKey)
            try dealer.connect(router.endpoint)
            try dealer.send([Frame([7])])
            _ = try poll([Interest(router)], timeout: timeout)
            return try router.receive(maximumFrames: 2)
        }
    }

    @Test func `marks what a known key sends with its name, its key and its address`() throws {
        let friend = try KeyPair.random()
        let server = try Server(admitting: [friend.publicKey: "gpu1"])
        let frames = try #require(try server.message(from: friend))
        #expect(frames[1].bytes == [7])
        #expect(frames[1].userID == "gpu1" && frames[1].userKey == friend.publicKey)
        #expect(frames[1].peerAddress == "127.0.0.1")
        #expect((frames[1].descriptor ?? -1) > 2)
    }

    @Test func `lets nobody else in, and says who asked`() throws {
        let stranger = try KeyPair.random()
        let server = try Server(admitting: [:])
        #expect(try server.message(from: stranger, timeout: .milliseconds(300)) == nil)
        let rejection = try #require(try server.rejections.wait(timeout: .seconds(2)).first)
        #expect(rejection.address == "127.0.0.1" && rejection.key == stranger.publicKey)
    }

    @Test func `asks another list as soon as it is told to`() throws {
        let (old, new) = try (KeyPair.random(), KeyPair.random())
        let server = try Server(admitting: [old.publicKey: "old"])
        #expect(try server.message(from: old) != nil)
        server.authenticator.admit([new.publicKey: "new"])
        #expect(try server.message(from: old, timeout: .milliseconds(300)) == nil)
        #expect(try server.message(from: new)?.last?.userID == "new")
    }

    @Test func `lets go of its context when it goes`() throws {
        for _ in 0..<3 {
            let server = try Server(admitting: [:])
            #expect(try server.router.endpoint.hasPrefix("tcp://127.0.0.1:"))
        }
    }

    @Test func `hears of connections that come, greet and go`() throws {
        let friend = try KeyPair.random()
        let server = try Server(admitting: [friend.publicKey: "gpu1"])
        #expect(try server.message(from: friend) != nil)
        var events: [SocketEvent] = []
        while events.count < 3, try poll([server.monitor.interest], timeout: .seconds(2)) == [true] {
            if let event = try server.monitor.next() { events.append(event) }
        }
        guard case .accepted(let descriptor) = events.first else {
            Issue.record("\(events)")
            return
        }
        #expect(events == [.accepted(descriptor: descriptor), .greeted, .disconnected(descriptor: descriptor)])
    }

    @Test func `knows a key from what is none`() throws {
        let keys = try KeyPair.random()
        #expect(Z85.isKey(keys.publicKey) && Z85.isKey(keys.secretKey))
        #expect(try KeyPair(secretKey: keys.secretKey) == keys)
        let (blanks, tooMuch) = (String(repeating: " ", count: 40), String(repeating: "#", count: 40))
        for text in ["", "short", keys.publicKey + "0", blanks, tooMuch] {
            #expect(!Z85.isKey(text))
            #expect(try KeyPair(secretKey: text) == nil)
        }
    }
}
