import Foundation
import FoundationNetworking
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `shows its run in a browser,` {
        private let furnace: Furnace

        init() throws {
            furnace = try Furnace()
            furnace.settings["max_train_steps"] = "400"
            furnace.settings["save_every_n_steps"] = "400"
        }

        /// The address and the token of the link that was printed.
        private func link(_ run: Launched) throws -> (address: String, token: String) {
            try run.wait(forOutput: "#token=")
            let match = try #require(run.output.firstMatch(of: /dashboard: (http:\/\/[^\/]*)\/#token=([0-9a-f]{32})/))
            return (String(match.1), String(match.2))
        }

        private func ask(
            _ address: String, _ path: String, token: String? = nil, body: String? = nil
        ) async throws -> (status: Int, text: String) {
            var request = URLRequest(url: try #require(URL(string: address + path)), timeoutInterval: 60)
            if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
            if let body {
                request.httpMethod = "POST"
                request.httpBody = Data(body.utf8)
            }
            let (data, answer) = try await URLSession.shared.data(for: request)
            return ((answer as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
        }

        private func wait(for text: String, _ address: String, _ path: String) async throws {
            let start = ContinuousClock.now
            while true {
                let shown = (try? await ask(address, path).text) ?? "nobody answers"
                if shown.contains(text) { return }
                guard ContinuousClock.now - start < .seconds(60) else {
                    throw Launched.Complaint(description: "no '\(text)' at \(path): \(shown)")
                }
                try await Task.sleep(for: .milliseconds(100))
            }
        }

        @Test func `is steered from there with the token, and is there again after it was killed`() async throws {
            let port = "\(try TakenPort.free())"
            let run = try furnace.train(workers: 2, "--dashboard", port)
            let (address, token) = try link(run)
            #expect(address == "http://127.0.0.1:\(port)")
            try run.wait(forOutput: "step 1/400")
            #expect(try await ask(address, "/control", body: #"{"operation":"pause"}"#).status == 403)
            let paused = try await ask(address, "/control", token: token, body: #"{"operation":"pause"}"#)
            #expect(paused.status == 200 && paused.text.contains("paused before step"), "\(paused.text)")
            try await wait(for: "danlu_paused 1.0", address, "/metrics")
            let drained = try await ask(
                address, "/control", token: token, body: #"{"operation":"drain","worker":"local-2"}"#)
            #expect(drained.text.contains("local-2 has left"))
            let twice = try await ask(
                address, "/control", token: token, body: #"{"operation":"drain","worker":"local-2"}"#)
            #expect(twice.status == 409 && twice.text.contains("no worker is called local-2"))
            #expect(try await ask(address, "/control", token: token, body: #"{"operation":"resume"}"#).status == 200)

            run.signal(SIGKILL)
            _ = try run.end()
            let again = try furnace.train(workers: 1, "--dashboard", port)
            #expect(try link(again) == (address, token), "who was let in stays so")
            try await wait(for: "danlu_coordinator_starts_total 2.0", address, "/metrics")
            try await wait(for: "danlu_coordinator_up 1.0", address, "/metrics")
            try again.wait(forOutput: "step 1/400")
            again.signal(SIGINT)
            #expect(try again.end().status == 0)

            let past = try furnace.danlu("dashboard", "out", "--listen", "0")
            let (later, _) = try link(past)
            #expect(try await ask(later, "/plan").text.contains("The plan"))
            try await wait(for: "danlu_coordinator_up 0.0", later, "/metrics")
            #expect(try await ask(later, "/metrics").text.contains("danlu_band_loss{timesteps=\""))
            past.signal(SIGTERM)
            #expect(try past.end().status == 0)
        }

        @Test func `and says what keeps it from that`() throws {
            #expect(
                try furnace.danlu("dashboard", "elsewhere").end().refusal().contains("there is no journal at"))
            let taken = try TakenPort()
            #expect(
                try furnace.train(workers: 1, "--dashboard", "\(taken.number)").end().refusal()
                    .contains("the dashboard cannot listen at 127.0.0.1:\(taken.number): another program does"))
            let nonsense =
                "12.34:x is no address: write HOST:PORT, [IPv6]:PORT, or a port in 0...65535 of this box alone"
            for more in [[], ["--plan"]] {
                let ended = try Launched(
                    ["train", "recipe.toml", "--dashboard", "12.34:x"] + more, in: furnace.folder
                ).end()
                #expect(ended.refusal() == "--dashboard = \(nonsense)" && ended.output.isEmpty)
            }
            #expect(
                try furnace.danlu("dashboard", "out", "--listen", "12.34:x").end().refusal() == "--listen = \(nonsense)"
            )
        }

        @Test func `and says aloud that what goes to other boxes is plain HTTP`() throws {
            furnace.settings["max_train_steps"] = "2"
            let aloud = try furnace.train(workers: 1, "--dashboard", "0.0.0.0:0").end()
            #expect(aloud.status == 0)
            let warning = try #require(
                aloud.output.firstMatch(
                    of: /note: what goes to and from this dashboard.*plain HTTP.*127\.0\.0\.1:([0-9]+)/))
            #expect(aloud.output.contains("'ssh -L \(warning.1):127.0.0.1:\(warning.1) THIS-BOX'"))
            let quiet = try furnace.train(workers: 1, "--fresh", "--dashboard", "0").end()
            #expect(quiet.status == 0 && !quiet.output.contains("plain HTTP"))
        }
    }
}
