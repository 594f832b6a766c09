import Foundation
import Images
import ProgramSupport
import Testing

extension `The program` {
    /// In a real browser; skipped where there is none, which `Cluster/setup --clients` installs.
    @Suite(.enabled("needs chromedriver: Cluster/setup --clients") { Browser.driver != nil })
    struct `shows the pictures that it makes` {
        private let furnace: Furnace

        init() throws {
            furnace = try Furnace()
            furnace.settings["sample_prompts"] = "\"prompts.txt\""
            furnace.settings["sample_every_n_steps"] = "2"
            furnace.settings["sample_at_first"] = "true"
            furnace.settings["max_train_steps"] = "4"
            try Data("a horse --d 5 --s 3 --w 24 --h 24\na deer at night --d 1 --s 2 --w 40 --h 24\n".utf8)
                .write(to: furnace.folder.appending(path: "prompts.txt"))
        }

        /// Every picture that is shown under a selector: its width, its height, and the sum of its bytes of colour.
        private func shown(_ browser: Browser, _ selector: String) async throws -> [[Int]] {
            try await browser.wait(
                for: "[...document.querySelectorAll('\(selector)')].every((i) => i.complete && i.naturalWidth > 0)")
            let sums =
                try await browser.evaluate(
                    """
                    return [...document.querySelectorAll('\(selector)')].map((image) => {
                      const canvas = document.createElement('canvas');
                      [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
                      const context = canvas.getContext('2d');
                      context.drawImage(image, 0, 0);
                      const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
                      return [canvas.width, canvas.height, pixels.reduce((sum, value, k) => k % 4 === 3 ? sum : sum + value, 0)];
                    })
                    """) as? [[Int]]
            return try #require(sums)
        }

        /// The same of the files.
        private func made(step: Int) throws -> [[Int]] {
            try (0..<2).map { number in
                let image = try PictureFile(path: furnace.path("out/samples/step-00000\(step)-0\(number).png"))
                    .decoded()
                return [image.size.width, image.size.height, image.samples.reduce(0) { $0 + Int($1) }]
            }
        }

        @Test func `in the dashboard, step by step, and in the report`() async throws {
            let ended = try furnace.train(workers: 1).end()
            #expect(ended.status == 0, "\(ended.errors)")
            let expected = try [0, 2, 4].map { try made(step: $0) }
            #expect(Set(expected.joined().map { $0[2] }).count == 6, "no two are alike")

            let server = try furnace.danlu("dashboard", "out", "--listen", "0")
            try server.wait(forOutput: "#token=")
            let link = try #require(server.output.firstMatch(of: /dashboard: (http:\S+)/))
            let browser = try await Browser()
            try await browser.open(String(link.1))
            try await browser.wait(for: "document.querySelectorAll('#sample-pictures img').length === 2")
            #expect(try await browser.text("#sample-step") == "after step 4")
            #expect(try await browser.text("#sample-pictures figure:last-child figcaption") == "a deer at night")
            #expect(try await shown(browser, "#sample-pictures img") == expected[2])
            for (place, words) in ["before the first step", "after step 2", "after step 4"].enumerated() {
                _ = try await browser.evaluate(
                    "const s = document.querySelector('#sample-slider'); s.value = \(place); s.dispatchEvent(new Event('input'))"
                )
                #expect(try await browser.text("#sample-step") == words)
                #expect(try await shown(browser, "#sample-pictures img") == expected[place])
            }
            server.signal(SIGTERM)
            #expect(try server.end().status == 0)

            try await browser.open("file://" + furnace.path("out/report.html"))
            // A row for each prompt, a column for each step.
            #expect(
                try await shown(browser, "img") == (0..<2).flatMap { prompt in expected.map { $0[prompt] } })
            #expect(try await browser.text().contains("a deer at night"))
        }

        @Test func `while it runs`() async throws {
            furnace.settings["max_train_steps"] = "4000"
            furnace.settings["sample_every_n_steps"] = "10"
            let run = try furnace.train(workers: 2, "--dashboard", "0")
            try run.wait(forOutput: "#token=")
            let link = try #require(run.output.firstMatch(of: /dashboard: (http:\S+)/))
            let browser = try await Browser()
            try await browser.open(String(link.1))
            // The slider follows the newest step as long as nobody moves it.
            try await browser.wait(
                for: "Number(document.querySelector('#sample-slider').max) >= 2", within: .seconds(60))
            try await browser.wait(for: "document.querySelector('#sample-step').innerText.startsWith('after step')")
            run.signal(SIGINT)
            #expect(try run.end().status == 0)
        }
    }
}
