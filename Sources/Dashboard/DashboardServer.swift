package import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The dashboard of one run, served from this process until it is stopped.
package final class DashboardServer: Sendable {
    /// Connections at one time; further ones wait.
    private static let connectionLimit = 256

    /// Where it listens, with the port that the system chose.
    package let address: DashboardAddress
    package let token: AccessToken
    private let watch: RunWatch
    private let task: Task<Void, Never>

    /// Listens, and goes on in the background.
    ///
    /// - Parameters:
    ///   - run: the run's folder; what is not there yet is shown when it is.
    ///   - controls: the way to its coordinator; nil where there is none.
    /// - Throws: ``DashboardError``.
    package init(
        run: URL, at address: DashboardAddress, token: AccessToken, controls: RunControls?
    ) throws(DashboardError) {
        let watch = RunWatch(run: run, controls: controls)
        let routes = Routes(
            watch: watch, gatekeeper: Gatekeeper(token: token, isOpen: address.isLoopback),
            desk: controls.map { ControlDesk(controls: $0) })
        let bound = Mutex<Result<Int, DashboardError>?>(nil)
        let answered = DispatchSemaphore(value: 0)
        let app = Application(
            router: routes.router,
            server: .http1(
                configuration: .init(
                    idleTimeout: .seconds(60),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 8192, maxHeaderListSize: 16_384, maxHeaderFieldCount: 100))),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionLimit)),
            onServerRunning: { channel in
                bound.withLock { $0 = .success(channel.localAddress?.port ?? address.port) }
                answered.signal()
            },
            logger: Logger(label: "danlu.dashboard") { _ in SwiftLogNoOpLogHandler() })
        let task = Task.detached {
            do {
                try await app.run()
            } catch {
                bound.withLock { if $0 == nil { $0 = .failure(Self.translate(error, at: address)) } }
                answered.signal()
            }
        }
        answered.wait()
        let port = try bound.withLock { $0 ?? .success(address.port) }.get()
        self.address = DashboardAddress(host: address.host, port: port)
        self.token = token
        self.watch = watch
        self.task = task
        watch.start()
    }

    private static func translate(_ error: any Error, at address: DashboardAddress) -> DashboardError {
        if let error = error as? IOError {
            if error.errnoCode == EADDRINUSE { return .portTaken(address) }
            return .cannotListen(address, reason: String(cString: strerror(error.errnoCode)))
        }
        return .cannotListen(address, reason: "\(error)")
    }

    /// Browsers that follow the run now.
    var watcherCount: Int { watch.watcherCount }

    /// What its user opens: with the token behind the `#`, which a browser sends nowhere.
    package var link: String {
        let host = ["0.0.0.0", "::"].contains(address.host) ? ProcessInfo.processInfo.hostName : address.host
        return "http://\(DashboardAddress(host: host, port: address.port))/#token=\(token.text)"
    }

    /// Lets everybody go.
    package func stop() {
        watch.stop()
        task.cancel()
    }

    /// Lets everybody go, and comes back when the port is free again.
    package func end() async {
        stop()
        await task.value
    }
}
