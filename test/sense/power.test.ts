import t from 'tap'
import { DESKTOP, machine, supply } from './machine.ts'
import type { Tree } from './machine.ts'

const AC = (online: string): Tree => supply('AC', { type: 'Mains', online })
const BATTERY: Tree = {
  type: 'Battery',
  present: '1',
  status: 'Discharging',
  capacity: '63',
  energy_now: '30000000',
  energy_full: '50000000',
  power_now: '10000000'
}
const none = { present: false, level: 'unknown', charging: 'unknown', seconds_left: 'unknown' }

const CASES: [string, Tree, object][] = [
  ['a desktop without a battery is on mains', { 'sys/class/dmi/id': '' }, { power: 'mains', battery: none, ups: null }],
  ['a desktop with a supply and no battery is on mains', AC('0'), { power: 'mains', battery: none }],
  ['a laptop on battery tells its level and how long it lasts', { ...AC('0'), ...supply('BAT0', BATTERY) }, {
    power: 'battery',
    battery: { present: true, level: 63, charging: false, seconds_left: 10_800 }
  }],
  ['a plugged laptop charges', { ...AC('1'), ...supply('BAT0', { ...BATTERY, status: 'Charging' }) }, {
    power: 'mains',
    battery: { present: true, level: 63, charging: true, seconds_left: 'unknown' }
  }],
  ['a full laptop is on mains and does not charge', {
    ...AC('1'),
    ...supply('BAT0', { ...BATTERY, status: 'Full', capacity: '100' })
  }, { power: 'mains', battery: { present: true, level: 100, charging: false } }],
  ['one that holds its charge at a limit is on mains', {
    ...AC('1'),
    ...supply('BAT0', { ...BATTERY, status: 'Not charging', capacity: '80' })
  }, { power: 'mains', battery: { level: 80, charging: false } }],
  ['of two batteries the larger counts for more', {
    ...AC('0'),
    ...supply('BAT0', {
      type: 'Battery',
      status: 'Discharging',
      capacity: '20',
      energy_now: '6',
      energy_full: '30',
      power_now: '2'
    }),
    ...supply('BAT1', { type: 'Battery', status: 'Not charging', capacity: '90', energy_now: '9', energy_full: '10' })
  }, { power: 'battery', battery: { present: true, level: 37.5, charging: false, seconds_left: 27_000 } }],
  ['the battery of a mouse is none of the machine',
    supply('hid-1', { type: 'Battery', scope: 'Device', status: 'Discharging', capacity: '5' }), {
    power: 'mains',
    battery: none
  }],
  ['an empty bay is no battery', {
    ...AC('1'),
    ...supply('BAT1', { type: 'Battery', present: '0', status: 'Unknown', capacity: '0' })
  }, { power: 'mains', battery: none }],
  ['a battery whose level cannot be read is there', {
    ...AC('0'),
    ...supply('BAT0', { type: 'Battery', status: 'Discharging', capacity: 'what' })
  }, { power: 'battery', battery: { present: true, level: 'unknown', charging: false, seconds_left: 'unknown' } }],
  ['a level that is not reported follows from the charge',
    supply('BAT0', { type: 'Battery', status: 'Discharging', charge_now: '25', charge_full: '50', current_now: '-25' }),
    { power: 'battery', battery: { level: 50, seconds_left: 3600 } }],
  ['nonsense in every attribute is unknown', {
    ...AC('maybe'),
    ...supply('BAT0', { type: 'Battery', status: '???', capacity: '-7' })
  }, { power: 'unknown', battery: { present: true, level: 'unknown', charging: false } }],
  ['without a charger in the list the state of the battery tells', supply('BAT0', { ...BATTERY, status: 'Charging' }), {
    power: 'mains'
  }],
  ['a UPS on USB is a UPS', supply('ups', { type: 'UPS', status: 'Discharging', capacity: '80' }), {
    power: 'mains',
    battery: none,
    ups: { on_battery: true, level: 80, seconds_left: 'unknown' }
  }],
  ['a container that hides all of /sys/class tells nothing', {}, { power: 'unknown', battery: { present: 'unknown' } }]
]

for (const [what, tree, expected] of CASES) {
  t.test(what, async t => {
    const visible = Object.keys(tree).length > 0
      ? DESKTOP
      : Object.fromEntries(Object.entries(DESKTOP).filter(([path]) => !path.startsWith('sys/')))
    const { senses } = machine(t, { tree: { ...visible, ...tree } })
    t.match(await senses.sample(), expected)
  })
}

t.test('reading uevent gives the same result', async t => {
  const uevent = 'POWER_SUPPLY_NAME=BAT0\nPOWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_STATUS=Discharging\n' +
    'POWER_SUPPLY_PRESENT=1\nPOWER_SUPPLY_CAPACITY=41'
  const { senses } = machine(t, { tree: { ...DESKTOP, ...AC('0'), ...supply('BAT0', { uevent, capacity: '99' }) } })
  t.match(await senses.sample(), { power: 'battery', battery: { present: true, level: 41, charging: false } })
})

t.test('mains is detected at the next sample, and a removed battery is gone', async t => {
  const { senses, later } = machine(t, { tree: { ...DESKTOP, ...AC('0'), ...supply('BAT0', BATTERY) } })
  t.equal((await senses.sample()).power, 'battery')
  t.match(await later({ ...AC('1'), ...supply('BAT0', { status: 'Charging' }) }), {
    power: 'mains',
    battery: { charging: true }
  })
  t.match(await later(supply('BAT0', { present: '0' })), {
    power: 'mains',
    battery: { present: false, level: 'unknown' }
  })
})

t.test('a UPS of Network UPS Tools is read by its name, and its faults are reported', async t => {
  const asked: (readonly string[])[] = []
  let code = 0
  const exec = async ({ argv }: { argv: readonly string[] }) => {
    asked.push(argv)
    return { code, output: 'battery.charge: 84\nbattery.runtime: 1500\nups.status: OB DISCHRG\n' }
  }
  const { senses, later } = machine(t, { tree: DESKTOP, config: { sense: { ups: 'rack@localhost' } }, exec })
  t.match((await senses.sample()).ups, { on_battery: true, level: 84, seconds_left: 1500 })
  t.strictSame(asked, [['upsc', 'rack@localhost']])
  t.match((await later({})).ups, { on_battery: true }, 'the answer stands')
  t.equal(asked.length, 1, 'and the program is not started again within the minute')
  code = 1
  t.match((await later({}, 60_000)).ups, { on_battery: 'unknown', level: 'unknown', warning: 'silent' },
    'which is not the same as no UPS')
  t.match(senses.troubles(), [{ sensor: 'ups', message: 'upsc rack@localhost ended with exit code 1' }])
})

const STATES: [status: string, charge: number | null, expected: object][] = [
  ['OL', 100, { on_battery: false, level: 100, warning: null }],
  ['OL CHRG', 60, { on_battery: false, warning: null }],
  ['ALARM OL CHRG', 60, { on_battery: false, warning: null }],
  ['OL TRIM', 100, { on_battery: false, warning: null }],
  ['OL  BYPASS', 100, { on_battery: false, warning: null }],
  ['BYPASS', 100, { on_battery: false, warning: null }],
  ['OL LB CHRG', 10, { on_battery: false, warning: 'low_battery' }],
  ['OB', 90, { on_battery: true, warning: null }],
  ['ob dischrg', 90, { on_battery: true, warning: null }],
  ['CAL OB DISCHRG', 90, { on_battery: true, warning: null }],
  ['DISCHRG', 90, { on_battery: true, warning: null }],
  ['OB LB', null, { on_battery: true, level: 'unknown', warning: 'low_battery' }],
  ['LB', 9, { on_battery: true, warning: 'low_battery' }],
  ['FSD OB LB', 5, { on_battery: true, warning: 'shutdown' }],
  ['FSD OL', 40, { on_battery: false, warning: 'shutdown' }]
]

for (const [status, charge, expected] of STATES) {
  t.test(`a UPS with the status ${status}`, async t => {
    const output = ['device.mfr: EATON: 5E', charge === null ? '' : `battery.charge: ${charge}`,
      `ups.status: ${status}`, ''].join('\n')
    const { senses } = machine(t, {
      tree: DESKTOP,
      config: { sense: { ups: 'rack@localhost' } },
      exec: async () => ({ code: 0, output })
    })
    t.match((await senses.sample()).ups, expected)
    t.strictSame(senses.troubles(), [])
  })
}

t.test('a UPS server without data of its UPS is a fault, and the UPS is silent', async t => {
  const { senses } = machine(t, {
    tree: DESKTOP,
    config: { sense: { ups: 'rack@localhost' } },
    exec: async () => ({ code: 0, output: 'ups.status: WAIT\n' })
  })
  t.match((await senses.sample()).ups, { on_battery: 'unknown', warning: 'silent' })
  t.match(senses.troubles(), [{
    sensor: 'ups',
    message: 'upsc rack@localhost does not report the power source'
  }])
})
