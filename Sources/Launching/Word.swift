/// The alphabets of what is named in `hosts.toml`.
///
/// They hold what such names are made of in practice, and nothing that ssh, rsync, a shell or a file system reads as more
/// than a letter; the first letter is never a dash, which would make an option of it.
enum Word: String, CustomStringConvertible {
    case address, name, user, folder, devices

    private var marks: String {
        switch self {
        case .address: ".-_:"
        case .name, .user: ".-_"
        case .folder: "/.-_~"
        case .devices: ":,"
        }
    }

    var description: String {
        let letters = "letters, digits and \(marks.map(String.init).joined(separator: " "))"
        return switch self {
        case .address: "a name or an address (\(letters))"
        case .name: "a name of at most 64 letters, digits and . - _ that begins with a letter or digit"
        case .user: "a user's name (\(letters))"
        case .folder: "a folder that begins with / or ~/ and has only \(letters) in it"
        case .devices: "devices as 'danlu work --device' takes them, for example cuda:0,cuda:1"
        }
    }

    func allows(_ text: String) -> Bool {
        let letters = text.utf8
        guard
            letters.allSatisfy({
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || isLetter($0) || marks.utf8.contains($0)
            })
        else { return false }
        return switch self {
        case .name: letters.count <= 64 && text.first.map { $0.isLetter || $0.isNumber } ?? false
        case .folder: (text.hasPrefix("/") || text.hasPrefix("~/")) && !text.dropFirst().contains("~")
        case .address, .user, .devices: text.first != "-"
        }
    }

    private func isLetter(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
    }
}
