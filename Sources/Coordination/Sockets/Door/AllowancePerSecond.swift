/// So much of something in a second, and no more: what strangers may ask for.
struct AllowancePerSecond {
    private let limit: Int
    private var left: Int
    private var began = Duration.zero

    init(_ limit: Int) {
        self.limit = limit
        left = limit
    }

    /// Whether `amount` may be had now; then it is taken.
    mutating func take(_ amount: Int, at now: Duration) -> Bool {
        if now - began >= .seconds(1) {
            began = now
            left = limit
        }
        guard amount <= left else { return false }
        left -= amount
        return true
    }
}
