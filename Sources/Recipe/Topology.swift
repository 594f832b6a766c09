/// How gradients and weights travel.
package enum Topology: String, CaseIterable, Codable, Sendable {
    /// Whatever has cost less of late, as measured.
    case auto
    /// Workers send whole sums to the coordinator, which sends whole weights to each.
    case star
    /// Workers add up a shard each among themselves, and pass on a shard of the weights each, wherever they can meet.
    case sharded
}
