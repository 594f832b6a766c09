/// Why there is no dashboard.
package enum DashboardError: Error, Equatable, CustomStringConvertible {
    case portTaken(DashboardAddress)
    case cannotListen(DashboardAddress, reason: String)

    package var description: String {
        switch self {
        case .portTaken(let address):
            "the dashboard cannot listen at \(address): another program does; choose another port, or 0 for a free one"
        case .cannotListen(let address, let reason):
            "the dashboard cannot listen at \(address) (\(reason)): choose an address of this box, as HOST:PORT"
        }
    }
}
