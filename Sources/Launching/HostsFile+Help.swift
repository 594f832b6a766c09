extension HostsFile {
    /// The file, explained in lines that a terminal does not break.
    package static let help = """

        The list of boxes:

        coordinator = "10.0.0.1"  # this box as others reach it; else where ssh
        user = "me"               # comes from. At the top: what goes for all

        [[hosts]]
        host = "10.0.0.2"         # a name, address, or alias of ~/.ssh/config

        [[hosts]]
        host = "gpu.example.org"
        name = "gpu"              # of its worker and key; its host unless said
        port = 2222
        identity = "/home/me/.ssh/id_ed25519"
        ssh_options = ["ProxyJump=gate.example.org"]
        devices = "cuda:0,cuda:1" # as for 'danlu work --device'
        folder = "/scratch/danlu" # 1 GB; ~/.local/share/danlu unless said
        options = ["--cache-limit", "50GB"]    # more for 'danlu work'
        """
}
