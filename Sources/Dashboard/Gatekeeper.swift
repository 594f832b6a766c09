import Foundation
import HTTPTypes
import Hummingbird

/// Who may see what.
struct Gatekeeper: Sendable {
    let token: AccessToken
    /// Whether whoever can connect may look.
    let isOpen: Bool

    /// What a browser may do with the page: run and show what came with it, and talk to where it came from.
    static let headers: [(name: HTTPField.Name, value: String)] = [
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"), ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Resource-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    ].compactMap { name, value in HTTPField.Name(name).map { ($0, value) } }

    /// Whether a request carries the token, in a cookie or as `Authorization: Bearer`.
    func knows(_ request: Request) -> Bool {
        bearer(request).map(token.matches) ?? false
            || request.headers[values: .cookie].flatMap { $0.split(separator: ";") }.contains { cookie in
                let parts = cookie.split(separator: "=", maxSplits: 1)
                return parts.count == 2 && parts[0].trimmingCharacters(in: .whitespaces) == cookieName(request)
                    && token.matches(parts[1].trimmingCharacters(in: .whitespaces))
            }
    }

    private func bearer(_ request: Request) -> String? {
        guard let value = request.headers[.authorization], value.hasPrefix("Bearer ") else { return nil }
        return String(value.dropFirst(7))
    }

    /// Cookies know no ports, so that two dashboards on one box need two names.
    private func cookieName(_ request: Request) -> String {
        let port = request.head.authority?.split(separator: ":").last.flatMap { UInt16($0) } ?? 80
        return "danlu-\(port)"
    }

    /// The cookie that lets this browser in from now on: no script reads it, and no other site's page sends it.
    func cookie(for request: Request) -> String {
        "\(cookieName(request))=\(token.text); Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"
    }

    func maySee(_ request: Request) -> Bool { isOpen || knows(request) }

    /// Whether a page of ours, and nobody else's, asks: a browser says where the asking page comes from, and lets no
    /// other site add a header of its own.
    func isOurs(_ request: Request) -> Bool {
        guard let origin = request.headers[.origin] else { return bearer(request) != nil }
        return request.head.authority.map { origin == "http://\($0)" || origin == "https://\($0)" } ?? false
            && request.headers.contains { $0.name.canonicalName == "x-danlu" && $0.value == "1" }
    }

    /// Whether the name by which a browser came here can be one of this box's own loopback: a page of another site that
    /// has its name resolved to 127.0.0.1 is turned away.
    func isHostOurs(_ request: Request) -> Bool {
        guard isOpen else { return true }
        guard let authority = request.head.authority,
            let address = DashboardAddress(
                authority.contains(":") && authority.last != "]" ? authority : authority + ":80")
        else { return false }
        return address.isLoopback
    }
}

/// Puts the headers on every answer, and turns away who came by a stranger's name.
struct GatekeeperMiddleware<Context: RequestContext>: RouterMiddleware {
    let gatekeeper: Gatekeeper

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response: Response
        if gatekeeper.isHostOurs(request) {
            do {
                response = try await next(request, context)
            } catch let error as any HTTPResponseError {
                response = try error.response(from: request, context: context)
            }
        } else {
            response = .text(
                "this dashboard is for its own box: ask for it as 127.0.0.1 or localhost", .misdirectedRequest)
        }
        for (name, value) in Gatekeeper.headers { response.headers[name] = value }
        return response
    }
}

extension Response {
    static func text(_ text: String, _ status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8")
        -> Response
    {
        Response(
            status: status, headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text + "\n")))
    }

    static func json(_ value: some Encodable, _ status: HTTPResponse.Status = .ok) throws -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try JSONEncoder().encode(value))))
    }
}
