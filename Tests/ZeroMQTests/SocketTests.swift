import Synchronization
import Testing
import ZeroMQ

@Suite struct `A socket` {
    /// A router and a dealer that have found each other.
    private func pair(
        _ body: (borrowing Socket, borrowing Socket) throws -> Void, limit: Int64 = 1 << 20
    ) throws {
        let context = try Context()
        let router = try Socket(.router, in: context)
        try router.set(.maximumMessageSize, to: limit)
        try router.set(.routerMandatory, to: true)
        try router.bind("tcp://127.0.0.1:*")
        let dealer = try Socket(.dealer, in: context)
        try dealer.connect(router.endpoint)
        try body(router, dealer)
    }

    private func receive(_ socket: borrowing Socket, maximumFrames: Int = 4) throws -> [[UInt8]]? {
        _ = try poll([Interest(socket)], timeout: .seconds(2))
        return try socket.receive(maximumFrames: maximumFrames)?.map(\.bytes)
    }

    @Test func `carries messages of several frames both ways`() throws {
        try pair { router, dealer in
            try dealer.send([Frame([1, 2, 3]), Frame([])])
            let question = try #require(try receive(router))
            #expect(Array(question[1...]) == [[1, 2, 3], []])
            try router.send([Frame(question[0]), Frame([4])])
            #expect(try receive(dealer) == [[4]])
        }
    }

    @Test func `has nothing to receive when nothing came`() throws {
        try pair { router, _ in
            let nothing = try router.receive(maximumFrames: 4)
            #expect(nothing == nil)
        }
    }

    @Test func `drops a message of too many frames, and reads the next`() throws {
        try pair { router, dealer in
            try dealer.send((0..<9).map { try Frame([$0]) })
            try dealer.send([Frame([7])])
            _ = try poll([Interest(router)], timeout: .seconds(2))
            #expect(throws: ZeroMQError.tooManyFrames(10, limit: 3)) { try router.receive(maximumFrames: 3) }
            #expect(try receive(router)?.last == [7])
        }
    }

    @Test func `Case 19: cuts off a peer that sends a frame beyond the limit`() throws {
        try pair(
            { router, dealer in
                try dealer.send([Frame([UInt8](repeating: 0, count: 2000))])
                #expect(try poll([Interest(router)], timeout: .milliseconds(200)) == [false])
            }, limit: 1000)
    }

    @Test func `says that a peer is not there`() throws {
        try pair { router, _ in
            #expect(throws: ZeroMQError.peerUnreachable) { try router.send([Frame([0, 1, 2]), Frame([])]) }
        }
    }

    @Test func `says in one sentence that a port is taken`() throws {
        let context = try Context()
        let first = try Socket(.router, in: context)
        try first.bind("tcp://127.0.0.1:*")
        let second = try Socket(.router, in: context)
        let address = try first.endpoint
        let error = #expect(throws: ZeroMQError.addressInUse(address)) { try second.bind(address) }
        #expect(
            error.map { "\($0)" }
                == "\(address) is taken by another process: stop that one, or choose another port")
    }

    @Test(arguments: ["tcp://", "tcp://127.0.0.1", "127.0.0.1:80", "smoke://signals"])
    func `says what an address looks like`(address: String) throws {
        let socket = try Socket(.router, in: Context())
        #expect(throws: ZeroMQError.addressMalformed(address)) { try socket.bind(address) }
    }

    @Test func `says that an address is another machine's`() throws {
        let socket = try Socket(.router, in: Context())
        #expect(throws: ZeroMQError.addressNotHere("tcp://192.0.2.1:9999")) {
            try socket.bind("tcp://192.0.2.1:9999")
        }
    }

    @Test func `sends memory from where it lies, and lets go of its owner when it is sent`() throws {
        final class Owner: Sendable {
            let released: Mailbox<Int>
            let bytes: [UInt8]
            init(_ released: Mailbox<Int>, _ bytes: [UInt8]) {
                self.released = released
                self.bytes = bytes
            }
            deinit { released.put(bytes.count) }
        }
        let released = try Mailbox<Int>()
        try pair { router, dealer in
            do {
                let owner = Owner(released, [UInt8](repeating: 5, count: 100_000))
                try owner.bytes.withUnsafeBytes { bytes in
                    try dealer.send([Frame(sharing: bytes, of: owner)])
                    #expect(try receive(router)?.last == owner.bytes)
                }
            }
            #expect(try released.wait(timeout: .seconds(2)) == [100_000])
        }
    }

    @Test func `Case 21: with CURVE talks to who knows its key, and to nobody else`() throws {
        let (server, client) = try (KeyPair.random(), KeyPair.random())
        #expect(server.publicKey.count == 40 && server.secretKey.count == 40 && server != client)
        let context = try Context()
        let router = try Socket(.router, in: context)
        try router.set(.curveServer, to: true)
        try router.set(.curveSecretKey, to: server.secretKey)
        try router.bind("tcp://127.0.0.1:*")

        let stranger = try Socket(.dealer, in: context)
        try stranger.connect(router.endpoint)
        // Refused when the two have found by now that they do not fit.
        try? stranger.send([Frame([1])])
        #expect(try poll([Interest(router)], timeout: .milliseconds(200)) == [false])

        let friend = try Socket(.dealer, in: context)
        try friend.set(.curveServerKey, to: server.publicKey)
        try friend.set(.curvePublicKey, to: client.publicKey)
        try friend.set(.curveSecretKey, to: client.secretKey)
        try friend.connect(router.endpoint)
        try friend.send([Frame([2])])
        #expect(try receive(router)?.last == [2])
    }
}

@Suite struct `A mailbox` {
    @Test func `wakes who waits for it and keeps the order`() throws {
        let mailbox = try Mailbox<Int>()
        #expect(try mailbox.wait(timeout: .milliseconds(5)).isEmpty)
        mailbox.put(1)
        mailbox.put(2)
        #expect(try poll([Interest(mailbox)], timeout: .seconds(1)) == [true])
        #expect(mailbox.takeAll() == [1, 2])
        #expect(try poll([Interest(mailbox)], timeout: .zero) == [false])
    }
}
