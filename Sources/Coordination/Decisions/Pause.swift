/// Why a run holds still between two steps, if it does.
struct Pause: Equatable, Sendable {
    /// Somebody asked for it; it lasts until somebody asks to go on.
    var asked: String?
    /// The state could not be saved; it lasts until that works.
    var unsaved: String?
    /// When the next try to save is due.
    var saveAgainAt = Duration.zero
    /// It has been said that the run holds still.
    var isSaid = false

    var reason: String? {
        let unsaved = unsaved.map { "the state could not be saved, which is tried again and again (\($0))" }
        let reasons = [asked, unsaved].compactMap(\.self)
        return reasons.isEmpty ? nil : reasons.joined(separator: "; ")
    }
}
