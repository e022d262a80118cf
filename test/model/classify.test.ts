import t from 'tap'
import { NOON, config, desktop, laptop, verdict } from './gates/machine.ts'
import { classify } from '../../core/model/conditions/classify.ts'
import { taskOf } from '../task.ts'
import type { Class, Constraints } from '../../core/model/task/constraint.ts'

const CONFIG = config()
const of = (description: string) => classify(taskOf({ description }), CONFIG).class

const SENTENCES: Record<Class, string[]> = {
  critical: [
    'An urgent matter',
    'Real-time clock drift check',
    'realtime feed',
    'Sends the critical alerts digest',
    'Report how many urgent mails are open',
    'Critically important',
    'answers a user action',
    'Do not wait: urgent',
    'Not today. An urgent fix',
    'Not only urgent mail',
    'urgent: yes',
    'critical: no space left on the disk',
    'If not done it is urgent',
    'Interactive preview'
  ],
  charging_only: ['Full reindex', 're-indexes everything', 'Download large models', 'Backup, full, weekly',
    'Training of the model', 'heavy_processing of films'],
  background: [
    'Rebuild the index of mail',
    'Indexing',
    'Caches thumbnails',
    'Caching of thumbnails',
    'Synchronise the calendar',
    'Backs up the photos',
    'backed up nightly',
    'backing up',
    'Back up my notes',
    'Clean up old files',
    'cleans up',
    'Cleaning up after the party',
    'Analyse the logs',
    'analyzing',
    'Analysing the logs',
    'Compresses films',
    'Pre-load the feed',
    'Low urgency, sync later',
    'Not urgent sync of mail',
    'A non-critical sync',
    'less urgent cleanup',
    'urgent: no, sync at night'
  ],
  normal: [
    'Not urgent: tidy the photo library',
    'This is not at all critical',
    "isn't urgent",
    'isn\u2019t urgent',
    'isnt urgent',
    'Non-critical log shipping',
    'noncritical uploads',
    'non-urgent',
    'un-critical',
    'Uncritical things',
    'Less urgent mail',
    'the least critical of all',
    'never urgent',
    'no longer urgent',
    'not very urgent',
    'not really all that critical',
    'hardly critical',
    'neither urgent nor critical',
    'not urgent or critical',
    'nothing urgent here',
    'anything but urgent',
    'far from critical',
    'without any urgent need',
    'urgent: no',
    'urgent = false',
    'Critical? No.',
    'non-interactive export',
    "doesn't need realtime",
    'not in any way critical',
    'not a backup',
    'Straining',
    'runs an async import',
    'Wichtig: dringend',
    'desynced nothing',
    'backpack upgrade',
    'cleaner uploads'
  ]
}

for (const [kind, sentences] of Object.entries(SENTENCES)) {
  for (const sentence of sentences) {
    t.test(`'${sentence}' is ${kind}`, t => {
      t.equal(of(sentence), kind)
      t.end()
    })
  }
}

t.test('a negation counts wherever the word stands', t => {
  for (const task of [{ id: 'not_urgent_mail' }, { tags: ['not-urgent'] }, { name: 'Non critical' }]) {
    t.equal(classify(taskOf(task), CONFIG).class, 'normal', JSON.stringify(task))
  }
  t.equal(classify(taskOf({ tags: ['not', 'urgent'] }), CONFIG).class, 'critical', 'each tag stands for itself')
  t.end()
})

t.test('a word overrides no constraint that was written down', t => {
  const constraints: Constraints = { power: 'mains', window: '03:00-04:00' }
  for (const task of [{ description: 'urgent' }, { type: 'interactive' }]) {
    const classed = classify(taskOf({ ...task, constraints }), CONFIG)
    t.equal(classed.class, 'normal')
    t.match(classed.because, /^(keyword urgent in description|type interactive) overrides no constraint$/)
    t.match(verdict({ task: { ...task, constraints }, reading: laptop(90), now: NOON }), { decision: 'hold' })
  }
  t.match(classify(taskOf({ description: 'urgent sync', constraints }), CONFIG), {
    class: 'background',
    because: 'keyword sync in description'
  })
  for (const task of [{ class: 'critical' as const }, { priority: 'critical' as const }]) {
    t.match(verdict({ task: { ...task, constraints }, run: { task: 'work', due_at: NOON }, reading: laptop(90) }), {
      decision: 'start'
    })
  }
  t.end()
})

t.test('a constraint that critical work waits for too changes no class', t => {
  for (const constraints of [{}, { power: 'any' }, { idle: false }, { disk_free: 1 }, {
    temperature_below: 50
  }] satisfies Constraints[]) {
    t.equal(classify(taskOf({ description: 'urgent', constraints }), CONFIG).class, 'critical',
      JSON.stringify(constraints))
  }
  t.match(
    verdict({ task: { description: 'urgent' }, reading: desktop({ cpu: { busy: 1, own: 0, load: 1, cores: 1 } }) }),
    { decision: 'start' }
  )
  t.end()
})
