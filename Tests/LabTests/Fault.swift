/// The faults whose cost is measured, as the README's table calls them, in its order.
enum Fault: String, CaseIterable {
    case killedComputing = "a worker is killed while it computes"
    case killedSending = "a worker is killed while it sends a gradient"
    case stopped = "a worker stands still for 10 s (SIGSTOP)"
    case unplugged = "a worker's cable is pulled (no FIN)"
    case unheard = "the coordinator does not hear a worker, which hears it"
    case deaf = "a worker does not hear the coordinator, which hears it"
    case slowCable = "a worker's cable slows down to 1 Mbit"
    case lossyCable = "a worker's cable loses 30 % of its packets, and is 300 ms long"
    case allGone = "all workers are sent away, and come back"
    case diskFull = "the coordinator's disk is full for 5 s"
    case coordinatorSending = "the coordinator is killed before it sends the weights (started again at once)"
    case coordinatorSaving = "the coordinator is killed while it saves (started again at once)"
}
