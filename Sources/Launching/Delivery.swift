import Foundation

/// What is done on a box before its worker starts.
enum Delivery {
    /// The archive on a box; it stays, so that the next one is copied by what differs.
    static let archive = "bundle.tar.gz"

    /// Where a bundle is unpacked, in the box's folder.
    static func bundle(_ archive: BundleArchive) -> String { "bundle-\(archive.hash.prefix(16))" }

    /// Unpacks the archive that was copied, and leaves no more than one older bundle.
    static func unpacking(_ archive: BundleArchive, in folder: String) -> ShellScript {
        ShellScript(
            [("folder", folder), ("hash", archive.hash), ("bundle", bundle(archive)), ("archive", Self.archive)],
            """
            cd -- "$folder" || exit 1
            [ "$(sha256sum <"$archive")" = "$hash  -" ] || { rm -f "$archive"; echo 'danlu:why=the archive arrived with another hash'; exit 1; }
            rm -rf "unpacking.$$" && mkdir "unpacking.$$" || exit 1
            why=$(tar -xzf "$archive" -C "unpacking.$$" --strip-components=1 2>&1) && : >"unpacking.$$/complete" || {
                rm -rf "unpacking.$$"
                echo "danlu:why=it could not be unpacked: $(echo "$why" | tail -n 1)"
                exit 1
            }
            rm -rf "$bundle"
            mv -T "unpacking.$$" "$bundle" || exit 1
            ls -dt bundle-*/ | tail -n +3 | xargs -r rm -rf
            """)
    }

    /// Puts a key file where only the box's user can read it.
    static func key(_ text: String, name: String, in folder: String) -> ShellScript {
        ShellScript(
            [("file", "\(folder)/keys/\(name).key"), ("key", text)],
            """
            umask 077
            rm -f "$file.new"
            printf '%s' "$key" >"$file.new" && chmod 600 "$file.new" && mv "$file.new" "$file" || exit 1
            """)
    }

    /// Runs the worker for as long as standard input stays open: when the launcher ends, however it does, or is cut off,
    /// the worker is told to end too, and does so even if nobody listens to it any more.
    ///
    /// - Parameter words: the program and its arguments.
    static func work(_ words: [String]) -> ShellScript {
        ShellScript(
            [],
            """
            exec 3<&0
            trap '' PIPE
            \(words.map(ShellScript.quoted).joined(separator: " ")) </dev/null 3<&- 2>&1 &
            worker=$!
            {
                while read -r _; do :; done
                kill -TERM "$worker"
                sleep \(Int(grace.components.seconds))
                kill -KILL "$worker"
            } <&3 >/dev/null 2>&1 &
            watch=$!
            wait "$worker"
            echo "danlu:status=$?"
            kill "$watch"
            """)
    }

    /// How long a worker that was told to end may take.
    static let grace = Duration.seconds(20)
}
