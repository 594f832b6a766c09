import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Posts a notice's JSON to an address.
package struct WebhookCourier: Courier {
    private let url: URL
    private let patience: Duration
    private let pauses: [Duration]

    /// - Parameters:
    ///   - url: http or https; it may hold a secret, and is never shown whole.
    ///   - patience: for one try.
    ///   - pauses: before each further try.
    /// - Throws: ``Undelivered`` if it is no such address.
    package init(
        _ url: String, patience: Duration = .seconds(10), pauses: [Duration] = [.seconds(1), .seconds(4)]
    ) throws {
        guard let parsed = URL(string: url), let scheme = parsed.scheme?.lowercased(),
            ["http", "https"].contains(scheme), !(parsed.host() ?? "").isEmpty
        else { throw Undelivered("the webhook's address must be http://HOST/… or https://HOST/…") }
        self.url = parsed
        self.patience = patience
        self.pauses = pauses
    }

    package var name: String { "the webhook at \(url.scheme ?? "")://\(url.host() ?? "")" }

    /// Tries again when nobody answers, and when the answer is that the fault is not ours.
    package func deliver(_ notice: Notice) async throws {
        for pause in pauses {
            do {
                return try await post(notice)
            } catch let refusal as Refused {
                throw Undelivered(refusal.description)
            } catch {
                try await Task.sleep(for: pause)
            }
        }
        do {
            try await post(notice)
        } catch let error as Undelivered {
            throw error
        } catch let refusal as Refused {
            throw Undelivered(refusal.description)
        } catch {
            let reason = (error as? HTTPClientError)?.shortDescription ?? "\(error)"
            throw Undelivered("nobody answers as they should (\(reason))")
        }
    }

    private struct Refused: Error, CustomStringConvertible {
        let status: HTTPResponseStatus
        var description: String { "it answers \(status)" }
    }

    private func post(_ notice: Notice) async throws {
        var request = HTTPClientRequest(url: url.absoluteString)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.headers.add(name: "user-agent", value: "danlu")
        request.body = .bytes(ByteBuffer(bytes: try notice.json))
        let nanoseconds = Int64(patience / .nanoseconds(1))
        let response = try await HTTPClient.shared.execute(request, timeout: .nanoseconds(nanoseconds))
        switch response.status.code {
        case 200..<300: return
        case 429, 500...: throw Undelivered("it answers \(response.status)")
        default: throw Refused(status: response.status)
        }
    }
}
