/// How a box is called: the words for ssh and rsync.
struct SecureShell {
    let box: Box

    /// No question is ever asked, since nobody may be there to answer; a dead connection is noticed within a minute.
    private var options: [String] {
        var words = [
            "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=15", "-o",
            "ServerAliveCountMax=3", "-o", "ForwardAgent=no", "-o", "ForwardX11=no",
        ]
        if let port = box.port { words += ["-p", "\(port)"] }
        if let user = box.user { words += ["-l", user] }
        if let identity = box.identity { words += ["-o", "IdentitiesOnly=yes", "-i", identity] }
        for option in box.sshOptions { words += ["-o", option] }
        return words
    }

    /// For `ssh`: runs the script that standard input brings.
    var script: [String] { options + ["--", box.host, "exec /bin/sh -s"] }

    /// For `ssh`: writes standard input to a file.
    ///
    /// - Parameter path: of ``Word/folder``'s alphabet, the only word that a login shell gets to see.
    func receiving(_ path: String) -> [String] {
        options + ["--", box.host, "exec dd of=\(path) bs=1M status=none"]
    }

    /// For `rsync`: copies a file, sending only what differs from the one that is there.
    func copying(_ file: String, to path: String) -> [String] {
        let shell = (["ssh"] + options).map(Self.quotedForRsync).joined(separator: " ")
        let address = box.host.contains(":") ? "[\(box.host)]" : box.host
        return ["--inplace", "--partial", "--timeout=60", "-e", shell, "--", file, "\(address):\(path)"]
    }

    /// rsync splits its `-e` at blanks; a quote inside quotes is doubled.
    private static func quotedForRsync(_ word: String) -> String {
        "'" + word.replacing("'", with: "''") + "'"
    }
}
