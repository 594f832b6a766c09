import ContentStore

/// A file that a run is made of, as the coordinator lists it for workers on other boxes.
struct ListedFile: Codable, Equatable, Sendable {
    /// What it is for, in the words that people are told.
    enum Role: String, Codable, CaseIterable, Sendable {
        case vocabulary = "CLIP's vocabulary"
        case picture = "pictures"
        case model = "the base model"
    }

    let role: Role
    /// Where it lies at the coordinator: absolute.
    let path: String
    let content: Content
}
