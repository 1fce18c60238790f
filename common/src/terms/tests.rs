//! Terms come back as they were written, and foreign words are refused.

use proptest::prelude::*;

use super::*;
use crate::layout::TERMS_WORDS;

fn any_terms() -> impl Strategy<Value = Terms> {
    let numbers = (any::<u64>(), any::<u32>(), any::<u32>(), any::<Option<u64>>(), 1_u32..1000, 0_u32..1000, 1_u32..5);
    let texts = ("[a-z-]{1,40}", "(/[a-zé ]{1,40}){0,5}", "\\PC{0,40}");
    (numbers, texts, any::<[bool; 5]>(), 0_usize..4).prop_map(
        |((iterations, delay, grace, seed, workers, spare, jobs), (kernel, worker, command), choices, choice)| Terms {
            mode: [Mode::Repeat, Mode::Independent, Mode::Split, Mode::Shared][choice],
            origin: if choices[1] { Origin::Run } else { Origin::ByHand },
            kernel,
            iterations,
            part: any_part(choice, seed.unwrap_or(0), iterations),
            has_folder: choices[2],
            has_named_worker: choices[4],
            chunk: choices[0].then_some(u64::from(spare) + 1),
            delay: DelayRange::new(Duration::ZERO, Duration::from_micros(delay.into())).unwrap(),
            seed,
            value_type: ValueType::ALL[choice],
            cells: jobs,
            overflow: if choices[3] { Overflow::Wrap } else { Overflow::Error },
            workers,
            slots: workers + spare,
            jobs,
            restarts: 3,
            fail_fast: choices[4],
            grace: Duration::from_millis(grace.into()),
            timeout: seed.map(Duration::from_nanos).filter(|timeout| timeout.as_nanos() < u64::MAX.into()),
            worker: worker.into(),
            command,
            command_timeout: choices[2].then_some(Duration::from_millis(delay.into())),
        },
    )
}

/// A part of 0..n, for the third mode.
fn any_part(choice: usize, number: u64, n: u64) -> Option<Part> {
    let shard = Shard::new(number % 7, 7).filter(|_| n >= 7).map(|shard| Part::of_shard(shard, n));
    match (choice, number % 3) {
        (2, 1) => shard,
        (2, 2) => Some(Part::of_range(n / 3..n)),
        _ => None,
    }
}

proptest! {
    #[test]
    fn terms_come_back_as_they_were_written(terms in any_terms()) {
        let mut text = terms.text();
        text.resize(TEXT_BYTES, 0);
        prop_assert_eq!(Terms::decode(terms.words(), &text), Ok(terms));
    }

    #[test]
    fn random_words_are_valid_terms_or_refused(words: [u64; TERMS_WORDS], text: Vec<u8>) {
        if let Ok(terms) = Terms::decode(words, &text) {
            prop_assert_eq!(terms.check(), Ok(()));
        }
    }

    #[test]
    fn one_changed_word_is_refused_or_leaves_valid_terms(terms in any_terms(), index in 0..TERMS_WORDS, word: u64) {
        let (mut words, mut text) = (terms.words(), terms.text());
        text.resize(TEXT_BYTES, 0);
        words[index] = word;
        if let Ok(changed) = Terms::decode(words, &text) {
            prop_assert_eq!(changed.check(), Ok(()));
        }
    }
}
