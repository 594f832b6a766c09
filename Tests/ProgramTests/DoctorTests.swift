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

        @Test func `a coordinator of another Danlu and another libtorch is named, with both and what to do`() throws {
            let furnace = try Furnace()
            let tests = URL(filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            let port = try TakenPort.free()
            let other = try Launched(
                [
                    "coordinate", "--listen", "tcp://127.0.0.1:\(port)", "--workers", "1", "--parameters", "100",
                    "--steps", "1",
                ],
                in: furnace.folder,
                executable: tests.deletingLastPathComponent().appending(path: "exchange-benchmark").path)
            try other.wait(forOutput: "\(port)")
            let ended = try furnace.danlu("doctor", "tcp://127.0.0.1:\(port)", "--device", "cpu").end(within: 30)
            #expect(ended.refusal().hasSuffix("could not join tcp://127.0.0.1:\(port): see Danlu, libtorch above"))
            let lines = ended.output.split(separator: "\n")
            for words in [
                "here and benchmark at the coordinator: install Danlu benchmark here",
                "here and none at the coordinator: install libtorch none here, or name one with LIBTORCH",
            ] {
                #expect(lines.contains { $0.hasPrefix("FAIL") && $0.hasSuffix(words) }, "\(ended.output)")
            }
            #expect(ended.output.contains("ok    protocol") && ended.output.contains("ok    bulk port"))
        }

        @Test(.enabled("only root may mount a small disk") { SmallDisk.isPossible })
        func `a disk that is small or read-only and a memory that is small are told, and what to do`() throws {
            let furnace = try Furnace()
            let address = "tcp://127.0.0.1:\(try TakenPort.free())"
            func lines(cache: String) throws -> [Substring] {
                try Data("MemTotal: 2000000 kB\nMemAvailable:    1500000 kB\n".utf8)
                    .write(to: furnace.folder.appending(path: "meminfo"))
                // Of what is mounted there nobody else sees anything.
                let ended = try Launched(
                    [
                        "-m", "sh", "-ec", "mount --bind meminfo /proc/meminfo; exec \"$@\"", "sh", Launched.program(),
                        "doctor", address, "--device", "cpu",
                    ],
                    in: furnace.folder, executable: "/usr/bin/unshare", environment: ["XDG_CACHE_HOME": cache]
                ).end(within: 30)
                #expect(ended.status == 1)
                return ended.output.split(separator: "\n")
            }
            let small = try SmallDisk(at: furnace.path("small"))
            let little = try lines(cache: small.path)
            #expect(
                little.contains {
                    $0.hasPrefix("      disk") && $0.contains("GB free for \(small.path)/danlu, which is little")
                }, "\(little)")
            #expect(
                little.contains { $0.hasPrefix("      memory") && $0.contains("1.5 GB available, which is little") },
                "\(little)")
            let fixed = try SmallDisk(at: furnace.path("fixed"), options: "ro")
            let none = try lines(cache: fixed.path)
            #expect(
                none.contains {
                    $0.hasPrefix("FAIL  disk") && $0.contains("\(fixed.path) may not be written to")
                        && $0.contains("set XDG_CACHE_HOME")
                }, "\(none)")
        }
    }
}
