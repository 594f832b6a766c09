import ContentStore
import Coordination
import Foundation
import Testing
import Wire

@Suite struct `Pictures while it trains` {
    private static let file = [UInt8](repeating: 9, count: PicturePiece.limit + 10)

    private func order(_ step: Int = 0, pictures: Int = 2, isLast: Bool = false) -> PictureOrder {
        PictureOrder(
            step: step, weights: Content(of: [UInt8(step)]), requests: (0..<pictures).map { Data([UInt8($0)]) },
            isLast: isLast)
    }

    /// The last task given out, and to whom.
    private func task(_ table: Table) -> (task: PictureTask, name: String)? {
        table.effects.compactMap { effect -> (task: PictureTask, name: String)? in
            if case .send(.paint(let task), let peer, _) = effect {
                (task, String(decoding: peer.routingID, as: UTF8.self))
            } else {
                nil
            }
        }.last
    }

    private func piece(_ task: PictureTask, _ offset: Int, of file: [UInt8] = file) -> WorkerMessage {
        let end = min(file.count, offset + PicturePiece.limit)
        return .painted(
            PicturePiece(
                number: task.number, file: Content(of: Self.file), offset: offset, bytes: Data(file[offset..<end])))
    }

    private func say(_ message: WorkerMessage, _ name: String, _ table: inout Table, at seconds: Double) {
        table.happen(.heard(message, from: Table.peer(name), stamp: table.stamp(name)), at: seconds)
    }

    private func paint(_ task: PictureTask, by name: String, _ table: inout Table, at seconds: Double) {
        say(piece(task, 0), name, &table, at: seconds)
        say(piece(task, PicturePiece.limit), name, &table, at: seconds)
    }

    @Test func `are made by one worker, which gets no slots while the other trains on`() throws {
        var table = Table { $0.minimumWorkers = 2 }
        table.happen(.picturesDue(order()), at: 0)
        table.join("ada", at: 0)
        let first = try #require(task(table))
        #expect(first.name == "ada" && first.task.index == 0)
        table.join("bob", at: 0)
        #expect(table.leases.map(\.slots) == [0..<8])
        #expect(table.given["bob"] != nil && table.given["ada"] == nil)
        let snapshot = table.coordinator.snapshot(at: .seconds(0))
        #expect(snapshot.workers.map(\.activity) == [.painting, .computing])
        #expect(snapshot.awaited.map(\.name) == ["bob"])
        paint(first.task, by: "ada", &table, at: 1)
        #expect(table.effects.contains(.keepResult(first.task, Self.file, by: "ada")))
        #expect(task(table)?.task.index == 1)
    }

    @Test func `are made between the slots of a worker that is alone`() throws {
        var table = Table()
        table.happen(.picturesDue(order()), at: 0)
        table.join("ada", at: 0)
        #expect(task(table)?.name == "ada" && table.leases.map(\.slots) == [0..<8])
        #expect(table.coordinator.snapshot(at: .seconds(0)).workers.map(\.activity) == [.computing])
    }

    @Test func `are what a worker does that waits with them for others`() {
        var table = Table { $0.minimumWorkers = 2 }
        table.happen(.picturesDue(order()), at: 0)
        table.join("ada", at: 0)
        let snapshot = table.coordinator.snapshot(at: .seconds(0))
        #expect(snapshot.workers.map(\.activity) == [.painting])
        #expect(snapshot.sentence == "step 0 waits for more workers to join; 1 is ready")
    }

    @Test func `are made by the slowest, whom the others miss least`() throws {
        var table = Table { $0.minimumWorkers = 2 }
        table.join("ada", at: 0)
        table.join("bob", at: 0)
        let (fast, slow) = ("ada", "bob")
        let slots = try (#require(table.given[fast]?.slots), #require(table.given[slow]?.slots))
        func sum(_ slots: Range<Int>, _ name: String, seconds: Double) throws -> SlotSum {
            SlotSum(
                of: try #require(table.given[name]), slots: slots, weights: 11,
                outcomes: slots.map {
                    SlotOutcome(slot: $0, samples: 1, loss: 1, squaredGradientNorm: 1, sampleNames: [])
                }, seconds: seconds)
        }
        let sums = try (sum(slots.0, fast, seconds: 1), sum(slots.1, slow, seconds: 9))
        table.happen(.sum(sums.0, norm: 1, stamp: table.stamp(fast)), at: 1)
        table.happen(.sum(sums.1, norm: 1, stamp: table.stamp(slow)), at: 9)
        table.happen(.picturesDue(order()), at: 9)
        #expect(task(table)?.name == slow)
    }

    @Test func `are made by another worker when one dies over them`() throws {
        var table = Table { $0.minimumWorkers = 2 }
        table.happen(.picturesDue(order(pictures: 1)), at: 0)
        table.join("ada", at: 0)
        let first = try #require(task(table)).task
        table.join("bob", at: 0)
        say(piece(first, 0), "ada", &table, at: 1)
        table.happen(.unreachable(table.stamp("ada").worker), at: 2)
        let second = try #require(task(table))
        #expect(second.name == "bob" && second.task == first)
        // What the dead one brought does not count, and the other's slots stay with it.
        paint(first, by: "bob", &table, at: 3)
        #expect(table.effects.contains(.keepResult(first, Self.file, by: "bob")))
        table.bring(0..<8, by: "bob", at: 8)
        #expect(table.contribution?.samples == 8)
    }

    /// "ada" says each second that it makes a picture, and its learner moves every so often; "bob" computes.
    ///
    /// - Returns: when "ada" was let go of, if it was.
    private func makes(
        _ task: PictureTask, in seconds: ClosedRange<Int>, moving every: Int, _ table: inout Table
    ) -> Int? {
        for second in seconds {
            table.pings += 1
            var status = Status()
            status.number = table.pings
            status.shape = Status.Shape(parameterCount: 2, tableHash: "two")
            status.holding = Status.Holding(delivery: 0, checksum: 11)
            status.painting = task.number
            status.progress = UInt64(second / every)
            say(.ping(status), "ada", &table, at: Double(second))
            table.ping("bob", at: Double(second), leases: [table.given["bob"]?.number ?? 0], progress: UInt64(second))
            table.happen(.tick, at: Double(second))
            if table.effects.contains(where: {
                if case .send(.rejoin, Table.peer("ada"), _) = $0 { true } else { false }
            }) {
                return second
            }
        }
        return nil
    }

    @Test(arguments: [(moving: 2, patience: 30), (moving: 20, patience: 100)])
    func `of a worker that stands still over one go to another, after five times as long as it did before`(
        moving: Int, patience: Int
    ) throws {
        var table = Table(slots: 100_000) { $0.minimumWorkers = 2 }
        table.happen(.picturesDue(order(pictures: 1)), at: 0)
        table.join("ada", at: 0)
        let first = try #require(task(table)).task
        table.join("bob", at: 0)
        #expect(makes(first, in: 1...200, moving: moving, &table) == nil)
        paint(first, by: "ada", &table, at: 200)
        #expect(table.effects.contains(.keepResult(first, Self.file, by: "ada")))

        table.happen(.picturesDue(order(5, pictures: 1)), at: 200)
        let second = try #require(task(table))
        #expect(second.name == "ada")
        #expect(makes(second.task, in: 201...1000, moving: .max, &table) == 201 + patience + 1)
        let third = try #require(task(table))
        #expect(third.name == "bob" && third.task == second.task)
    }

    @Test func `of a worker that stands still over its first go to another after a hundred slots' time`() throws {
        for (secondsPerSlot, patience) in [(nil, 900), (0.25, 120), (3, 300)] as [(Double?, Int)] {
            var table = Table(slots: 100_000) { $0.minimumWorkers = 2 }
            table.join("ada", at: 0)
            table.join("bob", at: 0)
            if let secondsPerSlot {
                let lease = try #require(table.given["ada"])
                let first = try #require(lease.slots).lowerBound
                let slots = first..<first + 1
                let sum = SlotSum(
                    of: lease, slots: slots, weights: 11,
                    outcomes: slots.map {
                        SlotOutcome(slot: $0, samples: 1, loss: 1, squaredGradientNorm: 1, sampleNames: [])
                    }, seconds: secondsPerSlot)
                table.happen(.sum(sum, norm: 1, stamp: table.stamp("ada")), at: 1)
            }
            table.happen(.picturesDue(order(pictures: 1)), at: 1)
            let first = try #require(task(table))
            #expect(first.name == "ada")
            #expect(makes(first.task, in: 2...2000, moving: .max, &table) == patience + 2)
        }
    }

    @Test func `arrive whole or not at all`() throws {
        var table = Table()
        table.happen(.picturesDue(order(pictures: 1)), at: 0)
        table.join("ada", at: 0)
        let task = try #require(self.task(table)).task
        say(piece(task, 0), "ada", &table, at: 1)
        #expect(
            table.effects.contains(
                .send(
                    .paintedSoFar(number: task.number, count: PicturePiece.limit), to: Table.peer("ada"),
                    stamp: table.stamp("ada"))))
        // Said again, because the answer was lost: it counts once.
        say(piece(task, 0), "ada", &table, at: 1.5)
        var damaged = Self.file
        damaged[PicturePiece.limit] = 8
        say(piece(task, PicturePiece.limit, of: damaged), "ada", &table, at: 2)
        #expect(!table.effects.contains { if case .keepResult = $0 { true } else { false } })
        let again = try #require(self.task(table)).task
        #expect(again == task)
        paint(again, by: "ada", &table, at: 3)
        #expect(table.effects.contains(.keepResult(task, Self.file, by: "ada")))
        #expect(table.effects.contains(.release(task.weights)))
    }

    @Test func `are given up, aloud, when nobody can make them or too many were lost over them`() throws {
        var table = Table()
        table.happen(.picturesDue(order(pictures: 1)), at: 0)
        table.join("ada", at: 0)
        let number = try #require(task(table)).task.number
        say(.notPainted(number: number, reason: "no memory"), "ada", &table, at: 1)
        #expect(table.notes == [.noPicture(step: 0, number: 0, reason: "no worker can do it")])
        table.happen(.picturesDue(order(3, pictures: 1)), at: 2)
        for seconds in [3.0, 4, 5] {
            #expect(task(table) != nil)
            table.happen(.unreachable(table.stamp("ada").worker), at: seconds)
            if seconds < 5 { table.join("ada", at: seconds + 0.5) }
        }
        #expect(table.notes.contains(.noPicture(step: 3, number: 0, reason: "its workers were lost over it")))
    }

    @Test func `come after the validation losses of their step, which are a task like them`() throws {
        var table = Table { $0.minimumWorkers = 2 }
        let weights = Content(of: [7])
        table.happen(
            .picturesDue(
                PictureOrder(step: 4, weights: weights, requests: [Data([1])], validation: Data([2]), isLast: false)),
            at: 0)
        table.join("ada", at: 0)
        let validation = try #require(task(table)).task
        #expect(validation.kind == .validation && validation.step == 4 && validation.request == Data([2]))
        table.join("bob", at: 0)
        #expect(table.given["bob"] != nil && table.given["ada"] == nil)
        #expect(table.coordinator.snapshot(at: .seconds(0)).workers.first?.activity == .validating)
        say(piece(validation, 0), "ada", &table, at: 1)
        table.happen(.unreachable(table.stamp("ada").worker), at: 2)
        let again = try #require(task(table))
        #expect(again.name == "bob" && again.task == validation)
        paint(validation, by: "bob", &table, at: 3)
        #expect(table.effects.contains(.keepResult(validation, Self.file, by: "bob")))
        #expect(task(table)?.task.kind == .picture)
        #expect(!table.effects.contains(.release(weights)))
    }

    @Test func `and validation losses are left out aloud, each in its own words`() throws {
        var table = Table()
        func order(_ step: Int, isLast: Bool = false) -> PictureOrder {
            PictureOrder(
                step: step, weights: Content(of: [UInt8(step)]), requests: [], validation: Data(), isLast: isLast)
        }
        for step in [1, 2, 3] { table.happen(.picturesDue(order(step)), at: 0) }
        #expect(
            table.notes == [
                .notValidated(step: 3, reason: "earlier steps' are not finished; validate less often")
            ])
        #expect(table.effects.contains(.release(Content(of: [3]))))
        table.join("ada", at: 0)
        let number = try #require(task(table)).task.number
        say(.notPainted(number: number, reason: "no memory"), "ada", &table, at: 1)
        #expect(table.notes == [.notValidated(step: 1, reason: "no worker can do it")])
        #expect(task(table)?.task.step == 2)
    }

    @Test func `of a third step wait for nobody: they are left out, aloud`() {
        var table = Table()
        for step in [1, 2] { #expect(table.happen(.picturesDue(order(step)), at: 0).isEmpty) }
        table.happen(.picturesDue(order(3)), at: 0)
        #expect(table.effects.contains(.release(Content(of: [3]))))
        #expect(table.notes.count == 1)
        table.happen(.picturesDue(order(4, isLast: true)), at: 0)
        #expect(table.effects.isEmpty)
    }

    @Test func `of the last step are waited for, unless somebody stops the run`() throws {
        for isStopped in [false, true] {
            var table = Table()
            table.join("ada", at: 0)
            table.bring(0..<8, by: "ada", at: 1)
            table.happen(.picturesDue(order(1, pictures: 1, isLast: true)), at: 1)
            let task = try #require(self.task(table)).task
            table.happen(.applied(.committed, next: nil), at: 1)
            #expect(!table.effects.contains(.finished(.complete)))
            let snapshot = table.coordinator.snapshot(at: .seconds(1))
            #expect(snapshot.state == .finishingPictures)
            #expect(
                snapshot.sentence
                    == "all steps are done; waiting for ada (last seen 0.0 s ago, making a picture)")
            if isStopped {
                table.happen(.stop(reason: "enough"), at: 2)
            } else {
                paint(task, by: "ada", &table, at: 2)
            }
            #expect(table.effects.contains(.finished(.complete)))
        }
    }

    @Test func `of the last step are not waited for for ever`() {
        var table = Table()
        table.join("ada", at: 0)
        table.bring(0..<8, by: "ada", at: 1)
        table.happen(.picturesDue(order(1, isLast: true)), at: 1)
        table.happen(.applied(.committed, next: nil), at: 1)
        table.happen(.unreachable(table.stamp("ada").worker), at: 2)
        #expect(
            table.coordinator.snapshot(at: .seconds(2)).sentence
                == "all steps are done; waiting for a worker to make the last pictures or validation losses")
        table.happen(.tick, at: 30)
        #expect(table.effects.isEmpty)
        table.happen(.tick, at: 32)
        #expect(table.effects.contains(.finished(.complete)))
    }
}
