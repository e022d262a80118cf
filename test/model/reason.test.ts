import t from 'tap'
import { wordingOf } from '../../core/model/run/reason.ts'

t.test('messages that differ in figures alone have one wording, those that differ in a name do not', async t => {
  const same = [['on battery (80 %), needs mains', 'on battery (9 %), needs mains'], ['5.3 GB free', '966.4 MB free'], [
    'idle for 1 h',
    'idle for 1 h 1 m'
  ], ['2 of its runs', '11 of its runs'], ['at 78 °C', 'at 81.5 °C']]
  for (const [one, other] of same) t.equal(wordingOf(one!), wordingOf(other!), other!)
  const different = [['tag a1 is paused', 'tag a2 is paused'], ['queue q-1 is full', 'queue q-2 is full'], [
    'on battery (80 %)',
    'on UPS battery (80 %)'
  ]]
  for (const [one, other] of different) t.not(wordingOf(one!), wordingOf(other!), other!)
})
