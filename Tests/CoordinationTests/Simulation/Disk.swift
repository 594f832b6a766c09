/// A disk as a process leaves it that may die between any two of the things it does to it, or in the middle of a file.
///
/// A state is written as the program writes one: under another name, byte by byte, then renamed; then all but the two
/// last are forgotten.
struct Disk {
    /// What a run goes on from.
    struct State: Equatable {
        var step = 0
        var weights = Simulation.firstWeights
        /// Slots that are done, of the whole run.
        var cursor = 0

        private var words: [UInt64] { [UInt64(step), Simulation.checksum(weights), UInt64(cursor)] }

        /// The numbers, and what tells that they are whole.
        var bytes: [UInt8] {
            let words = words
            let check = words.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ $1) &* 0x100_0000_01b3 &+ 1 }
            return (words + [check]).flatMap { word in withUnsafeBytes(of: word.littleEndian) { Array($0) } }
        }

        init(step: Int, weights: Simulation.Pair, cursor: Int) {
            (self.step, self.weights, self.cursor) = (step, weights, cursor)
        }

        /// - Returns: nil when the bytes are not those of a whole state.
        init?(_ bytes: [UInt8]) {
            guard bytes.count == 32 else { return nil }
            let words = (0..<3).map { word in
                bytes[word * 8..<word * 8 + 8].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            }
            let weights = Simulation.Pair(
                Float(bitPattern: UInt32(words[1] >> 32)), Float(bitPattern: UInt32(truncatingIfNeeded: words[1])))
            guard let step = Int(exactly: words[0]), let cursor = Int(exactly: words[2]) else { return nil }
            self.init(step: step, weights: weights, cursor: cursor)
            guard self.bytes == bytes else { return nil }
        }
    }

    /// What is done to the disk for a state at most: a file is made, gets its bytes and its name, and two go.
    static let deeds = 36

    /// By name; a name that begins with a dot is not that of a state yet.
    private(set) var files: [String: [UInt8]] = [:]

    private func name(of step: Int) -> String { "step-\(step)" }

    private var steps: [Int] {
        files.keys.filter { $0.hasPrefix("step-") }.compactMap { Int($0.dropFirst(5)) }.sorted(by: >)
    }

    /// The newest state that is whole; nil where there is none.
    var latest: State? { steps.lazy.compactMap { State(self.files[self.name(of: $0)] ?? []) }.first }

    /// Writes a state.
    ///
    /// - Parameter strength: how many more things the process does before it dies.
    mutating func save(_ state: State, strength: Int = .max) {
        var strength = strength
        func dies() -> Bool {
            strength -= 1
            return strength < 0
        }
        let (bytes, name) = (state.bytes, name(of: state.step))
        let begun = ".\(name).partial"
        if dies() { return }
        files[begun] = []
        for byte in bytes {
            if dies() { return }
            files[begun]?.append(byte)
        }
        if dies() { return }
        files[name] = files.removeValue(forKey: begun)
        for step in steps.dropFirst(2) {
            if dies() { return }
            files[self.name(of: step)] = nil
        }
    }

    /// What a process does that finds it: files that were never finished go.
    mutating func tidy() { files = files.filter { !$0.key.hasPrefix(".") } }
}
