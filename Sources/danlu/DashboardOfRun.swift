import Coordination
import Dashboard
import Foundation
import Wire

/// Joins the dashboard to whoever coordinates the run, in this process or another.
enum DashboardOfRun {
    /// Listens, and tells the user where.
    ///
    /// - Throws: ``DashboardError``.
    static func open(
        _ run: URL, at address: DashboardAddress, say: (String) -> Void = { Console.output.line($0) }
    ) throws -> DashboardServer {
        let server = try DashboardServer(
            run: run, at: address, token: AccessToken(ofRun: run),
            controls: RunControls(status: { status(of: run) }, perform: { perform($0, in: run) }))
        say("dashboard: \(server.link)")
        if !server.address.isLoopback {
            let port = server.address.port
            say(
                "note: what goes to and from this dashboard, its token too, can be read and changed on the way, since it is "
                    + "plain HTTP: rather have it listen at 127.0.0.1:\(port) and say 'ssh -L \(port):127.0.0.1:\(port) "
                    + "THIS-BOX' on the other box, or put a proxy with HTTPS before it")
        }
        return server
    }

    private static func line(to run: URL) throws -> OperatorLine {
        let found = try RunningCoordinator.find(in: run.path)
        let key = try found.keys.map { try KeyFile.client(KeysFolder($0).key("operator")) }
        return try OperatorLine(to: Address(found.address), key: key, patience: .seconds(3))
    }

    /// nil where nobody answers.
    private static func status(of run: URL) -> LiveStatus? {
        guard let reply = try? line(to: run).ask(.status, limit: .seconds(3)), let snapshot = reply.status?.snapshot
        else { return nil }
        return LiveStatus(
            state: snapshot.state.rawValue, sentence: snapshot.sentence,
            workers: snapshot.workers.map {
                LiveStatus.Worker(
                    name: $0.name, activity: $0.activity.rawValue, lastSeen: $0.lastSeen, isSuspect: $0.isSuspect,
                    isLeaving: $0.isLeaving)
            })
    }

    private static func perform(_ operation: RunControls.Operation, in run: URL) -> RunControls.Outcome {
        let asked: RunOperation =
            switch operation {
            case .pause: .pause
            case .resume: .resume
            case .save: .save
            case .drain(let worker): .drain(worker: worker)
            }
        do {
            let reply = try line(to: run).ask(asked)
            return RunControls.Outcome(isDone: reply.isDone, sentence: reply.sentence)
        } catch {
            return RunControls.Outcome(isDone: false, sentence: "\(error)")
        }
    }
}
