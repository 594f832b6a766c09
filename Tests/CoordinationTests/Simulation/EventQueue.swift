/// What happens when, in order of time, and of being put in for the same time.
struct EventQueue<Element> {
    private struct Key {
        let time: Double
        let order: Int
        let place: Int
    }

    /// Small things to swap: the elements lie still.
    private var heap: [Key] = []
    private var elements: [Element?] = []
    private var vacant: [Int] = []
    private var count = 0

    mutating func put(_ element: Element, at time: Double) {
        count += 1
        let place: Int
        if let free = vacant.popLast() {
            place = free
            elements[place] = element
        } else {
            place = elements.count
            elements.append(element)
        }
        heap.append(Key(time: time, order: count, place: place))
        var child = heap.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func take() -> (Double, Element)? {
        guard let first = heap.first, let element = elements[first.place] else { return nil }
        elements[first.place] = nil
        vacant.append(first.place)
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var least = parent
                let (left, right) = (2 * parent + 1, 2 * parent + 2)
                if left < heap.count && precedes(left, least) { least = left }
                if right < heap.count && precedes(right, least) { least = right }
                if least == parent { break }
                heap.swapAt(parent, least)
                parent = least
            }
        }
        return (first.time, element)
    }

    private func precedes(_ a: Int, _ b: Int) -> Bool {
        heap[a].time < heap[b].time || (heap[a].time == heap[b].time && heap[a].order < heap[b].order)
    }
}
