/// A box on which a worker is to run, as `hosts.toml` says it.
package struct Box: Equatable, Sendable {
    /// What the worker and its key are called, and what stands in front of the box's output.
    package var name: String
    /// As ssh takes it: a name, an address, or an alias of `~/.ssh/config`.
    package var host: String
    /// nil leaves it to ssh's own configuration; so with the next two.
    package var user: String?
    package var port: Int?
    /// A file with a private key for ssh.
    package var identity: String?
    /// More of ssh's options, each `Name=value` as in `ssh -o`.
    package var sshOptions: [String] = []
    /// For `danlu work --device`.
    package var devices: String?
    /// The folder on the box for bundle and key; `~/` is its user's home there.
    package var folder = "~/.local/share/danlu"
    /// More of `danlu work`'s options, as words.
    package var options: [String] = []

    package init(name: String, host: String) {
        self.name = name
        self.host = host
    }

    /// The box as the user would name it to ssh.
    package var place: String {
        (user.map { $0 + "@" } ?? "") + host + (port.map { ", port \($0)" } ?? "")
    }
}
