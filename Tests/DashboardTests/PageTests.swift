import Foundation
import Journal
import ProgramSupport
import Testing

@testable import Dashboard

/// In a real browser; skipped where there is none, which `Cluster/setup --clients` installs.
@Suite(.serialized, .enabled("needs chromedriver: Cluster/setup --clients") { Browser.driver != nil })
struct `The page` {
    private let run: RunFolder
    private let token = AccessToken()

    init() throws { run = try RunFolder() }

    private func serve(_ steering: Steering? = nil, at port: Int = 0) async throws -> DashboardServer {
        let (folder, token) = (run.folder, token)
        return try await apart {
            Result {
                try DashboardServer(
                    run: folder, at: DashboardAddress(host: "127.0.0.1", port: port), token: token,
                    controls: steering?.controls)
            }
        }.get()
    }

    @Test func `loads without a complaint, follows the run, and survives a coordinator's restart`() async throws {
        let first = try run.coordinator()
        first.write(.joined(worker: "box1", number: 1, exactnessClass: "x"))
        try first.write(steps: 0..<12, workers: ["box1"])
        let steering = Steering("box1")
        let server = try await serve(steering)
        let browser = try await Browser()
        try await browser.open("http://\(server.address)/")
        // Whatever the content security policy forbids is a violation that the page would hear of.
        _ = try await browser.evaluate(
            "window.violations = []; addEventListener('securitypolicyviolation', (e) => violations.push(e.violatedDirective))"
        )
        try await browser.wait(for: "document.querySelector('#figures dd')?.innerText.startsWith('12')")
        #expect(try await browser.text("#name") == "a horse")
        #expect(try await browser.text("#state") == "computing")
        for card in ["loss", "band", "rate", "norm", "noise", "speed"] {
            let lines = try await browser.evaluate("return document.querySelectorAll('#\(card)-card path.line').length")
            let wanted = ["loss": 2, "band": 5, "rate": 2, "noise": 2][card] ?? 1
            #expect(lines as? Int == wanted, "\(card)")
        }

        // A validation loss comes when later steps are done, and is a curve of its own, with its points.
        for step in [3, 9] {
            first.write(
                .validation(ValidationEntry(step: step, loss: 0.5, samples: 4, isOfStep: true, isOfEpoch: false)))
        }
        try first.flush()
        try await browser.wait(for: "document.querySelectorAll('#loss-card path.line').length === 3")
        #expect(try await browser.text("#loss-card .legend").contains("validation"))
        #expect(try await browser.text("#figures").contains("validation loss"))
        let line = try await browser.evaluate(
            "return document.querySelector('#loss-card path.line.k4').getAttribute('d')")
        #expect((line as? String)?.count { $0 == "L" } == 1, "a line goes from each point to the next")
        #expect(
            try await browser.evaluate("return document.querySelectorAll('#loss-card circle.k4').length") as? Int == 2)

        try first.write(steps: 12..<14, workers: ["box1"])
        try await browser.wait(for: "document.querySelector('#figures dd').innerText.startsWith('14')")

        // The program is killed, and starts again at the same place, ten steps back.
        let port = server.address.port
        await server.end()
        try await browser.wait(for: "!document.querySelector('#link').hidden")
        let second = try run.coordinator(from: 4, incarnation: 2)
        second.write(.event(kind: "note", sentence: "here again"))
        try second.write(steps: 4..<7, workers: ["box1"])
        let again = try await serve(steering, at: port)
        try await browser.wait(for: "document.querySelector('#figures dd').innerText.startsWith('7')")
        try await browser.wait(for: "document.querySelector('#link').hidden")
        try await browser.wait(for: "document.querySelector('#events').innerText.includes('here again')")
        #expect(try await browser.text("#footer").contains("started 2 times"))
        // However many the steps, the page has a bounded number of points to draw.
        try second.write(steps: 7..<2500, workers: ["box1"])
        try await browser.wait(for: "document.querySelector('#figures dd').innerText.startsWith('2\u{202F}500')")
        let points = try await browser.evaluate(
            "return document.querySelector('#loss-card path.line').getAttribute('d').split(/[ML]/).length")
        #expect((600...1001).contains(points as? Int ?? 0), "\(points ?? 0)")
        #expect(try await browser.evaluate("return violations.join()") as? String == "")
        // Nothing came from anywhere else.
        let origins = try await browser.evaluate(
            "return [...new Set(performance.getEntriesByType('resource').map((e) => new URL(e.name).origin))].join()")
        #expect(origins as? String == "http://\(server.address)")
        await again.end()
    }

    @Test func `shows a run that is over, with its pictures, plan and recipe`() async throws {
        let coordinator = try run.coordinator()
        coordinator.write(.joined(worker: "box1", number: 1, exactnessClass: "x"))
        try coordinator.write(steps: 0..<3, workers: ["box1"])
        try coordinator.close(outcome: "stopped: interrupted")
        try run.addSamples(steps: [0, 100, 200], prompts: ["a horse", "a deer"])
        let server = try await serve()
        let browser = try await Browser()
        try await browser.open("http://\(server.address)/")
        try await browser.wait(for: "document.querySelector('#sentence').innerText.includes('interrupted')")
        try await browser.wait(for: "document.querySelectorAll('#sample-pictures img').length === 2")
        try await browser.wait(
            for:
                "[...document.querySelectorAll('#sample-pictures img')].every((i) => i.complete && i.naturalWidth === 1)"
        )
        #expect(try await browser.text("#sample-step") == "after step 200")
        #expect(try await browser.text("#work-note").hasPrefix("1 was in"))
        #expect(try await browser.text("#work").contains("stayed to the end"))
        _ = try await browser.evaluate(
            "const s = document.querySelector('#sample-slider'); s.value = 0; s.dispatchEvent(new Event('input'))")
        #expect(try await browser.text("#sample-step") == "before the first step")
        _ = try await browser.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        try await browser.wait(for: "document.querySelector('[data-text=plan] pre').innerText.includes('two horses')")
        try await browser.wait(
            for: "document.querySelector('[data-text=recipe] pre').innerText.includes('output_name')")
        #expect(try await browser.evaluate("return document.querySelector('#unlock').hidden") as? Bool == true)
        await server.end()
    }

    @Test func `that stays open for a week holds no more than on the first day`() async throws {
        let coordinator = try run.coordinator()
        try coordinator.write(steps: 0..<1)
        try lengthenJournal(of: run.folder, to: 1..<200_000)
        let server = try await serve()
        let browser = try await Browser()
        try await browser.open("http://\(server.address)/")
        func wait(steps: Int) async throws {
            let figures = "document.querySelector('#figures dd')?.innerText.replace(/\\D/g, '')"
            try await browser.wait(for: "\(figures).startsWith('\(steps)')", within: .seconds(60))
        }
        try await wait(steps: 200_000)
        func size() async throws -> (elements: Int, heap: Int, points: Int, events: Int) {
            let sizes =
                try await browser.evaluate(
                    """
                    gc();
                    const points = [...document.querySelectorAll('path.line')].map((p) => p.getAttribute('d').split(/[ML]/).length);
                    return [document.querySelectorAll('*').length, performance.memory.usedJSHeapSize, Math.max(...points),
                      document.querySelectorAll('#events li').length];
                    """) as? [Int] ?? []
            try #require(sizes.count == 4)
            return (sizes[0], sizes[1], sizes[2], sizes[3])
        }
        // Growing steps and events, over the mark where steps are taken together in twice as many.
        var first: (elements: Int, heap: Int, points: Int, events: Int)?
        for round in 1...12 {
            let steps = 200_000 + round * 6_000
            for number in 0..<300 { coordinator.write(.event(kind: "note", sentence: "\(round): \(number)")) }
            try coordinator.flush()
            try lengthenJournal(of: run.folder, to: steps - 6_000..<steps)
            try await wait(steps: steps)
            if round == 2 { first = try await size() }
        }
        let (last, early) = (try await size(), try #require(first))
        #expect(last.points <= 1001 && early.points <= 1001 && last.events == 200 && early.events == 200)
        #expect(last.elements <= early.elements + 50, "\(early), \(last)")
        #expect(last.heap < early.heap + 4 << 20, "\(early), \(last)")
        // Were the server to send row after row and never begin anew, the page would forget the oldest.
        _ = try await browser.evaluate(
            """
            window.rows = 0;
            import('/stream.js').then(({ merged }) => {
              let table = null;
              for (let k = 0; k < 5000; k++) {
                table = merged(table, { generation: 1, stride: 1, from: k, step: [k], time: [k], series: { loss: [k] } });
              }
              window.rows = [table.step.length, table.time.length, table.series.loss.length, table.step.at(-1)].join();
            });
            """)
        try await browser.wait(for: "window.rows")
        #expect(try await browser.evaluate("return window.rows") as? String == "2000,2000,2000,4999")
        await server.end()
    }

    @Test func `says of a journal of a later Danlu what cannot be read, and shows the rest`() async throws {
        let coordinator = try run.coordinator()
        try coordinator.write(steps: 0..<3)
        try coordinator.close(outcome: "complete")
        try run.addSamples(steps: [2], prompts: ["a horse"])
        try ageJournal(of: run.folder, to: 99)
        let server = try await serve()
        let browser = try await Browser()
        try await browser.open("http://\(server.address)/")
        try await browser.wait(
            for: "document.querySelector('#problems li')?.innerText.includes('has version 99 and this Danlu knows')")
        try await browser.wait(for: "document.querySelectorAll('#sample-pictures img').length === 1")
        _ = try await browser.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        try await browser.wait(
            for: "document.querySelector('[data-text=recipe] pre').innerText.includes('output_name')")
        await server.end()
    }

    @Test func `shows hostile names and captions as the text that they are`() async throws {
        let hostile = "\"><script>window.struck = 1</script><img src=x onerror=\"window.struck = 2\">'&\u{202E}evil"
        let coordinator = try run.coordinator(name: hostile)
        coordinator.write(.joined(worker: hostile, number: 1, exactnessClass: hostile))
        coordinator.write(.event(kind: hostile, sentence: hostile, worker: hostile))
        try coordinator.write(steps: 0..<3, workers: [hostile])
        try run.addSamples(steps: [2], prompts: [hostile])
        try Data(hostile.utf8).write(to: run.folder.appending(path: "recipe.toml"))
        let server = try await serve(Steering(hostile))
        let browser = try await Browser()
        try await browser.open(server.link)
        try await browser.wait(for: "document.querySelector('#events li .sentence')")
        try await browser.wait(for: "document.querySelector('#sample-pictures figcaption')")
        _ = try await browser.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        try await browser.wait(for: "document.querySelector('[data-text=recipe] pre').innerText.includes('script')")
        for selector in ["#name", "#work .who", "#events .sentence", "#sample-pictures figcaption", "#stays svg title"]
        {
            let shown =
                try await browser.evaluate("return document.querySelector('\(selector)').textContent") as? String
            #expect(shown?.contains(hostile) == true, "\(selector): \(shown ?? "")")
        }
        #expect(try await browser.evaluate("return window.struck ?? 0") as? Int == 0)
        #expect(try await browser.evaluate("return document.scripts.length") as? Int == 1)
        // A name that turns the text around turns nothing but itself.
        #expect(try await browser.evaluate("return Boolean(document.querySelector('#work .who bdi'))") as? Bool == true)
        await server.end()
    }

    @Test func `asks for the token, then for a confirmation, and then does it`() async throws {
        let coordinator = try run.coordinator()
        try coordinator.write(steps: 0..<3)
        let steering = Steering("box1", "box2")
        let server = try await serve(steering)
        let browser = try await Browser()
        try await browser.open("http://\(server.address)/")
        try await browser.wait(for: "!document.querySelector('#unlock').hidden")
        #expect(try await browser.evaluate("return document.querySelector('#controls').hidden") as? Bool == true)
        #expect(try await browser.text("#work").contains("Drain") == false)
        func unlock(_ token: String) async throws {
            _ = try await browser.evaluate(
                """
                if (!document.querySelector('#ask-token').open) document.querySelector('#unlock').click();
                document.querySelector('#unlock-token').value = '\(token)';
                document.querySelector('#unlock-form').requestSubmit();
                """)
        }
        try await unlock(AccessToken().text)
        try await browser.wait(for: "document.querySelector('#unlock-answer').innerText.includes('not the token')")
        try await unlock(token.text)
        try await browser.wait(for: "!document.querySelector('#controls').hidden")

        let press = "document.querySelector('[data-operation=pause]').click()"
        _ = try await browser.evaluate("\(press); document.querySelector('#confirm button').click()")
        _ = try await browser.evaluate("\(press); document.querySelector('#confirm-yes').click()")
        try await browser.wait(for: "document.querySelector('#state').innerText === 'paused'")
        #expect(steering.asked == [.pause])
        _ = try await browser.evaluate(
            """
            [...document.querySelectorAll('.work-row')].find((row) => row.innerText.includes('box2'))
                .querySelector('button').click(); document.querySelector('#confirm-yes').click()
            """)
        try await browser.wait(for: "document.querySelector('#toast').innerText.startsWith('done: drain')")
        #expect(steering.asked == [.pause, .drain(worker: "box2")])
        // The browser is known from now on; the token is nowhere that a script could read it.
        try await browser.open("http://\(server.address)/")
        try await browser.wait(for: "!document.querySelector('#controls').hidden")
        #expect(
            try await browser.evaluate("return document.cookie + location.href").flatMap { "\($0)" }?.contains(
                token.text) == false)
        await server.end()
    }

    @Test func `fits a telephone, and the dark`() async throws {
        let coordinator = try run.coordinator()
        let names = ["a-box-whose-name-is-much-longer-than-any-name-should-be.example.org/cuda:0", "box2"]
        for (number, name) in names.enumerated() {
            coordinator.write(.joined(worker: name, number: number, exactnessClass: "x"))
            coordinator.write(.event(kind: "left", sentence: String(repeating: name, count: 5)))
        }
        try coordinator.write(steps: 0..<30, workers: names)
        let server = try await serve()
        let browser = try await Browser()
        for width in [320, 390, 1280] {
            try await browser.resize(width: width)
            try await browser.prefer(dark: width == 390)
            try await browser.open("http://\(server.address)/")
            try await browser.wait(for: "document.querySelectorAll('.stack i').length > 1")
            #expect(
                try await browser.evaluate("return document.documentElement.scrollWidth") as? Int ?? .max <= width,
                "nothing sticks out at \(width)")
            let colour = try await browser.evaluate("return getComputedStyle(document.body).backgroundColor") as? String
            #expect(colour == (width == 390 ? "rgb(21, 19, 17)" : "rgb(247, 244, 239)"))
        }
        await server.end()
    }
}
