import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `that rounds its gradients` {
        private let furnace: Furnace

        init() throws {
            furnace = try Furnace()
            furnace.settings["gradient_format"] = "\"int8\""
        }

        @Test func `refuses to be exact; trains otherwise, and says that it is not`() throws {
            let refused = try furnace.train(workers: 1, "--exact").end()
            #expect(refused.status == 1 && refused.errors.contains("never exact") && refused.errors.isOneSentence)
            let ended = try furnace.train(workers: 2).end()
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.output.contains("rounded to int8") && ended.output.contains("never exact"))
            #expect(try furnace.fingerprint() != Furnace.expected())
        }
    }
}
