import ArgumentParser
import Foundation
import Notices

/// Whom to tell of a run's end, of lost workers, and of numbers that are none.
///
/// Options and no settings of the recipe: a webhook's address is a secret, and recipes are sent to workers and written into
/// files.
struct NoticeOptions: ParsableArguments {
    /// An address in the environment, which other users of the box cannot read off the list of processes.
    static let variable = "DANLU_NOTIFY_WEBHOOK"

    @Option(
        help: """
            A command for /bin/sh, run when the run is done or has failed, when a worker is lost, and when a loss is NaN; it \\
            finds DANLU_EVENT, DANLU_TEXT and more in its environment.
            """)
    var notifyCommand: String?

    @Option(help: "An http or https address that is posted the same as JSON; DANLU_NOTIFY_WEBHOOK unless said.")
    var notifyWebhook: String?

    private var webhook: String? {
        notifyWebhook ?? ProcessInfo.processInfo.environment[Self.variable].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// - Throws: a sentence if there can be no such webhook.
    var couriers: [any Courier] {
        get throws {
            var couriers: [any Courier] = []
            if let notifyCommand { couriers.append(CommandCourier(notifyCommand)) }
            if let webhook {
                do {
                    couriers.append(try WebhookCourier(webhook))
                } catch {
                    throw Failure("\(notifyWebhook == nil ? Self.variable : "--notify-webhook"): \(error)")
                }
            }
            return couriers
        }
    }

    /// The words that give the same to a coordinator that is started apart; the environment it has itself.
    var arguments: [String] {
        (notifyCommand.map { ["--notify-command", $0] } ?? []) + (notifyWebhook.map { ["--notify-webhook", $0] } ?? [])
    }
}
