/// What a box says of itself before anything is copied to it.
struct BoxFacts: Equatable {
    var machine = ""
    /// nil where there is none.
    var glibc: GlibcVersion?
    /// The box's folder with links and `~` resolved; nil where it cannot be made or written.
    var folder: String?
    /// Room in the folder, in KiB.
    var freeKilobytes = 0
    var hasRsync = false
    /// Whether the bundle is there, unpacked.
    var hasBundle = false
    /// The address that the box sees ssh come from.
    var caller: String?

    /// Asks for the facts of a box.
    ///
    /// - Parameter bundle: the name of an unpacked bundle in the folder.
    static func question(folder: String, bundle: String) -> ShellScript {
        ShellScript(
            [("folder", folder), ("bundle", bundle)],
            """
            say() { printf 'danlu:%s=%s\\n' "$1" "$2"; }
            case $folder in '~/'*) folder=$HOME/${folder#??} ;; esac
            say machine "$(uname -m)"
            say glibc "$(getconf GNU_LIBC_VERSION 2>/dev/null)"
            say caller "${SSH_CONNECTION%% *}"
            command -v rsync >/dev/null && say rsync yes
            if mkdir -p -- "$folder/keys" && chmod 700 -- "$folder/keys" && cd -- "$folder" && [ -w . ]; then
                say folder "$(pwd -P)"
                set -- $(df -Pk . | tail -n 1)
                say free "$4"
                [ -e "$bundle/complete" ] && say bundle yes
            fi
            """)
    }

    /// - Parameter lines: what the box said; lines that are not facts are passed over, since logins greet.
    init(_ lines: [String]) {
        for line in lines where line.hasPrefix("danlu:") {
            let parts = line.dropFirst("danlu:".count).split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "machine": machine = parts[1]
            case "glibc": glibc = GlibcVersion(parts[1].replacing("glibc ", with: ""))
            case "caller": caller = parts[1]
            case "rsync": hasRsync = true
            case "folder": folder = Word.folder.allows(parts[1]) ? parts[1] : nil
            case "free": freeKilobytes = Int(parts[1]) ?? 0
            case "bundle": hasBundle = true
            default: break
            }
        }
    }

    /// Why a bundle cannot go there, in one sentence; nil where it can.
    func refusal(of archive: BundleArchive, on box: Box) -> String? {
        guard machine == archive.machine else {
            return
                "its processor is \(machine) and the bundle is for \(archive.machine): make a bundle on a box like it"
        }
        guard let glibc else {
            return
                "it has no glibc, which the bundle needs: use Debian, Ubuntu or another system with glibc \(archive.glibc) or newer"
        }
        if let least = GlibcVersion(archive.glibc), glibc < least {
            return
                "its glibc is \(glibc) and the bundle needs \(least) or newer: make the bundle on the oldest system that you use"
        }
        guard folder != nil else {
            return "the folder \(box.folder) cannot be made or written there: set 'folder' to one that can"
        }
        // The archive lies beside what is unpacked from it.
        let needed = archive.kilobytes * 3 / 2
        if !hasBundle, freeKilobytes < needed {
            return "\(box.folder) has \(freeKilobytes >> 10) MiB free there and the bundle needs \(needed >> 10) MiB: "
                + "make room, or set 'folder' to another disk"
        }
        return nil
    }
}
