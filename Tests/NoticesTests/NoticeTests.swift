import Foundation
import Testing

@testable import Notices

func notice(_ event: Notice.Event = .workerLost, _ sentence: String = "W3 (box3) is gone: silent for 5 s") -> Notice {
    Notice(
        event, sentence, run: "horse", folder: "/runs/horse", host: "desk", step: 12, totalSteps: 400,
        worker: event == .workerLost ? "box3" : nil, time: Date(timeIntervalSince1970: 1_700_000_000))
}

@Suite struct `A notice` {
    @Test func `is JSON for programs and a text for chats`() throws {
        let json = String(decoding: try notice().json, as: UTF8.self)
        #expect(
            json == """
                {"content":"horse on desk: W3 (box3) is gone: silent for 5 s","event":"worker_lost","folder":"/runs/horse",\
                "host":"desk","run":"horse","step":12,"text":"horse on desk: W3 (box3) is gone: silent for 5 s",\
                "time":"2023-11-14T22:13:20Z","total_steps":400,"worker":"box3"}
                """)
    }

    @Test func `is the same in an environment`() {
        #expect(
            notice(.done, "Done: /runs/horse/horse.safetensors").environment == [
                "DANLU_EVENT": "done", "DANLU_TEXT": "horse on desk: Done: /runs/horse/horse.safetensors",
                "DANLU_RUN": "horse", "DANLU_FOLDER": "/runs/horse", "DANLU_HOST": "desk", "DANLU_STEP": "12",
                "DANLU_TOTAL_STEPS": "400", "DANLU_TIME": "2023-11-14T22:13:20Z",
            ])
        #expect(notice(.failed, "a\0b").environment["DANLU_TEXT"] == "horse on desk: a?b")
    }

    @Test func `is cut where it is too long`() throws {
        let long = notice(.failed, String(repeating: "丹", count: 100_000))
        #expect(long.sentence.count == 2000)
        #expect(try long.json.count < 32_768, "it fits into a pipe")
    }
}

@Suite struct `Notices` {
    @Test func `of one worker come once in ten minutes`() {
        var rules = NoticeRules()
        var told: [Int] = []
        for minute in 0..<30 where rules.isDue(.workerLost, worker: "box3", at: .seconds(60 * minute)) {
            told.append(minute)
        }
        #expect(told == [0, 10, 20])
        let other = rules.isDue(.workerLost, worker: "box4", at: .seconds(1800))
        #expect(other)
    }

    @Test func `of a thousand workers come twenty times in an hour`() {
        var rules = NoticeRules()
        var told = 0
        for number in 0..<7200 where rules.isDue(.workerLost, worker: "box\(number)", at: .seconds(number)) {
            told += 1
        }
        #expect(told == 40)
    }

    @Test func `of the end always come`() {
        var rules = NoticeRules()
        for second in 0..<100 { _ = rules.isDue(.workerLost, worker: "box\(second)", at: .seconds(second)) }
        for event in [Notice.Event.done, .failed, .done] {
            let isDue = rules.isDue(event, worker: nil, at: .seconds(100))
            #expect(isDue)
        }
    }
}
