import Foundation
import ProgramSupport
import Testing

extension `The program` {
    @Suite(.enabled("only root may mount a small disk") { SmallDisk.isPossible })
    struct `Case 5: when its disk is full` {
        private let furnace: Furnace
        private let disk: SmallDisk

        init() throws {
            furnace = try Furnace()
            disk = try SmallDisk(at: furnace.path("disk"))
            furnace.settings["output_dir"] = "\"disk/out\""
            furnace.settings["save_every_n_steps"] = "1"
        }

        /// Trains until the disk is full, and what it says then.
        private func trainUntilFull() throws -> Launched {
            let training = try furnace.train()
            try training.wait(forOutput: "horse-step00000001.safetensors")
            try disk.fill()
            try training.wait(forOutput: "paused before step")
            #expect(
                training.output.contains("could not be saved") && training.output.contains("No space left on device"))
            return training
        }

        @Test func `pauses aloud, and goes on by itself when there is room`() throws {
            let training = try trainUntilFull()
            let shown = try furnace.danlu("status", "disk/out").end(within: 30)
            #expect(shown.status == 0 && shown.output.contains("paused") && shown.output.contains("No space left"))
            let refused = try furnace.danlu("resume", "disk/out").end(within: 30).refusal()
            #expect(refused.contains("goes on by itself") && refused.contains("No space left"))
            #expect(training.isRunning)

            disk.makeRoom()
            let ended = try training.end()
            #expect(ended.status == 0 && ended.output.contains("going on with step"), "\(ended.errors)")
            #expect(try furnace.fingerprint(of: "disk/out/horse.safetensors") == Furnace.expected())
            let audit = try furnace.danlu("audit", "disk/out").end()
            #expect(
                audit.output == "steps 0 to 4: 27 slots, 48 samples committed once, 0 left out\n", "\(audit.errors)")
        }

        @Test func `and it is stopped then, says what is lost, and the last good state is still good`() throws {
            let training = try trainUntilFull()
            training.signal(SIGTERM)
            try training.wait(for: "second look at the disk") { training.output.contains("stopping after this step") }
            training.signal(SIGTERM)
            let ended = try training.end(within: 60)
            #expect(ended.status == 1 && ended.errors.contains("last state could not be saved"), "\(ended.errors)")
            #expect(ended.errors.isOneSentence)

            disk.makeRoom()
            let again = try furnace.train().end()
            #expect(again.status == 0 && again.output.contains("Going on after step"))
            #expect(try furnace.fingerprint(of: "disk/out/horse.safetensors") == Furnace.expected())
        }

        @Test func `or read-only, pauses aloud, and goes on by itself when it may be written again`() throws {
            let training = try furnace.train()
            try training.wait(forOutput: "horse-step00000001.safetensors")
            var cover: SmallDisk? = try SmallDisk(at: furnace.path("disk/out/state"), options: "ro")
            try training.wait(forOutput: "paused before step")
            #expect(
                training.output.contains("could not be saved") && training.output.contains("Read-only file system"))
            _ = cover
            cover = nil
            let ended = try training.end()
            #expect(ended.status == 0 && ended.output.contains("going on with step"), "\(ended.errors)")
            #expect(try furnace.fingerprint(of: "disk/out/horse.safetensors") == Furnace.expected())
        }

        @Test func `from the start, does not begin`() throws {
            try disk.fill()
            let refusal = try furnace.train().end(within: 60).refusal()
            #expect(refusal.contains("No space left on device"), "\(refusal)")
        }
    }
}
