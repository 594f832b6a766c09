import Recipe
import Testing

@testable import Launching

@Suite struct `A file of hosts` {
    private func refusal(_ toml: String) -> String {
        do throws(RecipeError) {
            _ = try HostsFile(toml: toml, file: "hosts.toml")
            return "none"
        } catch {
            return error.description
        }
    }

    @Test func `names boxes, and what goes for all of them unless they say otherwise`() throws {
        let file = try HostsFile(
            toml: """
                coordinator = "10.0.0.1"
                user = "me"
                options = ["--cache-limit", "50GB"]
                [[hosts]]
                host = "10.0.0.2"
                [[hosts]]
                host = "gpu.example.org"
                name = "gpu"
                user = "you"
                port = 2222
                identity = "/home/me/my key"
                ssh_options = ["ProxyJump=gate.example.org"]
                devices = "cuda:0,cuda:1"
                folder = "/scratch/danlu"
                options = []
                """, file: "hosts.toml")
        #expect(file.coordinator == "10.0.0.1")
        var first = Box(name: "10.0.0.2", host: "10.0.0.2")
        first.user = "me"
        first.options = ["--cache-limit", "50GB"]
        var second = Box(name: "gpu", host: "gpu.example.org")
        second.user = "you"
        second.port = 2222
        second.identity = "/home/me/my key"
        second.sshOptions = ["ProxyJump=gate.example.org"]
        second.devices = "cuda:0,cuda:1"
        second.folder = "/scratch/danlu"
        #expect(file.hosts == [first, second])
    }

    @Test(arguments: [
        ("", "hosts.toml: hosts is missing: name at least one box: [[hosts]] and below it host = \"ADDRESS\"."),
        ("hosts = 3", "hosts.toml: hosts must be a list of tables, each headed [[hosts]], not 3."),
        ("hosts = []", "hosts.toml: hosts must be a list of tables, each headed [[hosts]], not []."),
        ("hosts = [1]", "hosts.toml: hosts[0] must be a table, headed [[hosts]], not 1."),
        ("[[hosts]]", "hosts.toml: hosts[0].host is missing: say under which name or address ssh finds the box."),
        ("[[hosts]]\nhosst = \"a\"", "hosts.toml: hosts[0].hosst: there is no such setting; did you mean host?"),
        ("prot = 1\n[[hosts]]\nhost = \"a\"", "hosts.toml: prot: there is no such setting; did you mean port?"),
        ("[[hosts]]\nhost = \"a\"\nport = 0", "hosts.toml: hosts[0].port = 0 must be in 1...65535."),
        ("port = \"22\"\n[[hosts]]\nhost = \"a\"", "hosts.toml: port must be a whole number, not \"22\"."),
        ("[[hosts]]\nhost = \"a\"\nuser = 7", "hosts.toml: hosts[0].user must be text, not 7."),
        (
            "[[hosts]]\nhost = \"a\"\noptions = \"--x\"",
            "hosts.toml: hosts[0].options must be a list of texts, not \"--x\"."
        ),
        (
            "[[hosts]]\nhost = \"a\"\n[[hosts]]\nhost = \"a\"",
            "hosts.toml: hosts[0] and hosts[1] are both called a; give one of them another name."
        ),
        (
            "[[hosts]]\nhost = \"::1\"",
            "hosts.toml: hosts[0].name is missing: ::1 cannot be a worker's name, so say one."
        ),
        (
            "[[hosts]]\nhost = \"a\"\nname = \"operator\"",
            "hosts.toml: hosts[0].name = \"operator\" must be another name: that one has a key of its own."
        ),
    ])
    func `is refused in one sentence`(toml: String, sentence: String) {
        #expect(refusal(toml) == sentence)
    }

    @Test(arguments: [
        "host = \"-oProxyCommand=touch x\"", "host = \"a;b\"", "host = \"$(b)\"", "host = \"a b\"", "host = \"\"",
        "host = \"a\"\nuser = \"-lroot\"", "host = \"a\"\nuser = \"a'b\"", "host = \"a\"\nname = \"../../x\"",
        "host = \"a\"\nfolder = \"/a;b\"", "host = \"a\"\nfolder = \"relative\"", "host = \"a\"\nfolder = \"/a/~b\"",
        "host = \"a\"\ndevices = \"cuda:0 --x\"", "host = \"a\"\nidentity = \"a\\u0001b\"",
        "host = \"a\"\noptions = [\"a\\nb\"]", "host = \"a\"\nname = \"-x\"",
    ])
    func `cannot smuggle a command or an option into a name`(entry: String) {
        let sentence = refusal("[[hosts]]\n" + entry)
        #expect(sentence.hasPrefix("hosts.toml: hosts[0]."))
        #expect(sentence.contains(" must be "))
    }

    @Test func `starts no more boxes than can be meant`() {
        let toml = (0...HostsFile.maximumHosts).map { "[[hosts]]\nhost = \"a\($0)\"\n" }.joined()
        #expect(refusal(toml) == "hosts.toml: hosts has 1025 boxes; at most 1024 are started.")
    }
}
