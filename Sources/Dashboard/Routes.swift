import Foundation
import HTTPTypes
import Hummingbird
import Journal

/// What the dashboard answers to.
struct Routes: Sendable {
    private static let bodyLimit = 4096
    private static let textLimit = 256 << 10

    let watch: RunWatch
    let gatekeeper: Gatekeeper
    let desk: ControlDesk?

    var router: Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: GatekeeperMiddleware(gatekeeper: gatekeeper))
        for (path, file) in PageFile.all {
            router.get(RouterPath(path)) { _, _ in
                Response(
                    status: .ok, headers: [.contentType: file.type],
                    body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes)))
            }
        }
        router.get("/session") { request, _ in
            try Response.json(
                Session(maySee: gatekeeper.maySee(request), maySteer: desk != nil && gatekeeper.knows(request)))
        }
        router.post("/session") { request, _ in try await enter(request) }
        router.get("/stream") { request, _ in
            try guardSight(of: request)
            return EventStream(watch: watch).response()
                ?? .text("too many browsers watch this run already: close one", .serviceUnavailable)
        }
        router.get("/samples/:name") { request, context in
            try guardSight(of: request)
            return try picture(context.parameters.get("name") ?? "")
        }
        router.get("/recipe") { request, _ in try text("recipe.toml", for: request) }
        router.get("/plan") { request, _ in
            try guardSight(of: request)
            let plan = watch.reading.pulse?.plan ?? ""
            return Response.text(plan.isEmpty ? "the journal has no plan" : plan, plan.isEmpty ? .notFound : .ok)
        }
        router.get("/metrics") { request, _ in
            try guardSight(of: request)
            return Response.text(MetricsText(watch.reading).text, type: MetricsText.type)
        }
        router.post("/control") { request, _ in try await control(request) }
        return router
    }

    /// What a page may do.
    private struct Session: Encodable {
        var maySee: Bool
        var maySteer: Bool
    }

    private func guardSight(of request: Request) throws {
        guard gatekeeper.maySee(request) else {
            throw HTTPError(.unauthorized, headers: [.wwwAuthenticate: "Bearer"], message: "a token is needed")
        }
    }

    private func enter(_ request: Request) async throws -> Response {
        var request = request
        let body = try await request.collectBody(upTo: Self.bodyLimit)
        struct Entry: Decodable { var token: String }
        guard gatekeeper.isOurs(request),
            let entry = try? JSONDecoder().decode(Entry.self, from: Data(body.readableBytesView)),
            gatekeeper.token.matches(entry.token)
        else { return .text("this is not the token", .forbidden) }
        var response = try Response.json(Session(maySee: true, maySteer: desk != nil))
        response.headers[.setCookie] = gatekeeper.cookie(for: request)
        return response
    }

    private func control(_ request: Request) async throws -> Response {
        var request = request
        let body = try await request.collectBody(upTo: Self.bodyLimit)
        guard gatekeeper.knows(request), gatekeeper.isOurs(request) else {
            return .text("this needs the token, and a page of this dashboard", .forbidden)
        }
        guard let desk else { return .text("nobody can be asked here", .notFound) }
        let asked = try? JSONDecoder().decode(ControlDesk.Request.self, from: Data(body.readableBytesView))
        guard let operation = asked?.meaning else {
            return .text("this is no operation: pause, resume, save, or drain with a worker", .badRequest)
        }
        guard let outcome = await desk.perform(operation) else {
            return .text("too much is asked for at one time: wait for an answer", .tooManyRequests)
        }
        return try .json(outcome, outcome.isDone ? .ok : .conflict)
    }

    private func text(_ name: String, for request: Request) throws -> Response {
        try guardSight(of: request)
        guard let text = BoundedFile.text(watch.run.appending(path: name).path, limit: Self.textLimit) else {
            return .text("there is no \(name) in the run's folder", .notFound)
        }
        return .text(text)
    }

    private func picture(_ name: String) throws -> Response {
        guard let picture = SamplePicture(watch.run.appending(path: SamplePicture.folder).appending(path: name)),
            let data = picture.read()?.data
        else { return .text("there is no such picture", .notFound) }
        return Response(
            status: .ok, headers: [.contentType: "image/png"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
    }
}
