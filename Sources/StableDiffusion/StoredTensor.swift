/// Where one of a model's tensors lies in a file, and what has to be done to it.
struct StoredTensor: Equatable {
    /// Its name in the file.
    let name: String
    /// Which third of the rows it is, where query, key and value are stored one below the other.
    let third: Int?

    init(_ name: String, third: Int? = nil) {
        self.name = name
        self.third = third
    }

    /// Whether a tensor stored with the shape `stored` is the one of shape `wanted`.
    ///
    /// A linear layer may be stored as a 1×1 convolution and the other way round, as older files do.
    func fits(_ stored: [Int], _ wanted: [Int]) -> Bool {
        var stored = stored
        if third != nil {
            guard let rows = stored.first, rows % 3 == 0 else { return false }
            stored[0] = rows / 3
        }
        if stored.count == wanted.count { return stored == wanted }
        let (longer, shorter) = stored.count > wanted.count ? (stored, wanted) : (wanted, stored)
        return shorter.count == 2 && longer.count == 4 && longer == shorter + [1, 1]
    }
}
