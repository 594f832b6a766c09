import Foundation
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `examines a box before it joins:` {
        @Test func `all is well where a worker could join`() throws {
            let furnace = try Furnace()
            try furnace.write()
            let home = ["XDG_CONFIG_HOME": furnace.path("settings")]
            #expect(try furnace.danlu("keygen", environment: home).end().status == 0)
            let port = try TakenPort.free()
            let coordinator = try furnace.danlu(
                "coordinate", "recipe.toml", "--listen", "tcp://0.0.0.0:\(port)", environment: home)
            try coordinator.wait(forOutput: "Workers join with: ")
            let key = furnace.path("settings/danlu/keys/worker.key")
            let well = try furnace.danlu(
                "doctor", "tcp://localhost:\(port)", "--key", key, "--device", "cpu",
                environment: ["XDG_CACHE_HOME": furnace.path("cache")]
            ).end(within: 30)
            #expect(well.status == 0 && well.errors.isEmpty)
            #expect(well.output.hasSuffix("A worker on this box can join tcp://localhost:\(port).\n"))
            for words in [
                "ok    device", "disk", "memory", "ok    port", "ok    key", "ok    protocol", "round trip", "clock",
                "bandwidth", "ok    bulk port", "ok    Danlu", "ok    libtorch",
            ] {
                #expect(well.output.contains(words), "\(words): \(well.output)")
            }
            let bare = try furnace.danlu("doctor", "tcp://localhost:\(port)", "--device", "cpu").end(within: 30)
            #expect(bare.refusal().contains("could not join tcp://localhost:\(port): see key above"))
            #expect(bare.output.contains("FAIL  key") && bare.output.contains("asks for a key"))
            coordinator.signal(SIGTERM)
            #expect(try coordinator.end(within: 30).status == 0)
        }

        @Test func `the hop that fails is named, soon`() throws {
            let furnace = try Furnace()
            for (address, words) in [
                ("tcp://127.0.0.1:\(try TakenPort.free())", "nothing listens at its port"),
                ("tcp://no-such-host.invalid:5570", "the name no-such-host.invalid cannot be resolved"),
            ] {
                let began = ContinuousClock.now
                let ended = try furnace.danlu("doctor", address, "--device", "cpu").end(within: 30)
                #expect(ended.refusal().contains("could not join \(address): see port above"))
                #expect(ended.output.contains(words))
                #expect(ContinuousClock.now - began < .seconds(15))
            }
        }
    }
}
