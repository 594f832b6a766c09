import Hummingbird

/// One browser's stream of server-sent events: what it lacks, whenever there is news.
///
/// <https://html.spec.whatwg.org/multipage/server-sent-events.html>
struct EventStream: Sendable {
    /// After this long a browser is let go; it comes back by itself.
    ///
    /// Who never reads holds a place no longer than that.
    static let lifetime = Duration.seconds(600)
    private static let silence = Duration.seconds(15)

    let watch: RunWatch

    /// - Returns: nil when too many watch already.
    func response() -> Response? {
        guard let news = watch.watch() else { return nil }
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(string: "retry: 1000\n\n"))
            var known: [Topic: Int] = [:]
            for await _ in Self.paced(news) {
                var text = ""
                for (topic, json) in try watch.news(since: &known) {
                    text += "event: \(topic.rawValue)\ndata: \(json)\n\n"
                }
                // A beat shows us who has gone away, and the page that we are still here.
                try await writer.write(ByteBuffer(string: text.isEmpty ? "event: beat\ndata: {}\n\n" : text))
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream"], body: body)
    }

    /// `news`, with a beat in long silences, ended after ``lifetime``.
    private static func paced(_ news: AsyncStream<Void>) -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let task = Task {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { for await _ in news { continuation.yield() } }
                    group.addTask {
                        let end = ContinuousClock.now + lifetime
                        while ContinuousClock.now < end, (try? await Task.sleep(for: silence)) != nil {
                            continuation.yield()
                        }
                    }
                    await group.next()
                    group.cancelAll()
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}
