import Monitor
import Testing

@Suite struct `The average loss` {
    @Test func `is the mean of what was seen so far in the first epoch`() {
        var recorder = LossRecorder()
        #expect(recorder.average == 0)
        for (slot, loss) in [0.5, 0.25, 0.75].enumerated() { recorder.add(epoch: 0, slot: slot, loss: loss) }
        #expect(recorder.average == 0.5)
    }

    @Test func `is the mean over the last full epoch afterwards, slot by slot`() {
        var recorder = LossRecorder()
        for (slot, loss) in [1.0, 2, 3].enumerated() { recorder.add(epoch: 0, slot: slot, loss: loss) }
        recorder.add(epoch: 1, slot: 0, loss: 4)
        #expect(recorder.average == 3)  // 4 2 3
        recorder.add(epoch: 1, slot: 1, loss: 5)
        recorder.add(epoch: 1, slot: 2, loss: 6)
        recorder.add(epoch: 2, slot: 0, loss: 1)
        #expect(recorder.average == 4)  // 1 5 6
    }

    @Test func `pads with 0 up to a slot it has not seen, as kohya's does`() {
        var recorder = LossRecorder()
        recorder.add(epoch: 3, slot: 3, loss: 8)
        #expect(recorder.average == 2)
    }

    @Test func `leaves out a loss that is not finite`() {
        var recorder = LossRecorder()
        recorder.add(epoch: 0, slot: 0, loss: 1)
        recorder.add(epoch: 0, slot: 1, loss: .nan)
        recorder.add(epoch: 1, slot: 0, loss: .infinity)
        #expect(recorder.average == 1)
    }
}
