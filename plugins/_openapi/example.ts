/** A JSON schema, as far as an example needs it. */
export interface SchemaNode {
  $ref?: string
  title?: string
  type?: string | readonly string[]
  description?: string
  examples?: readonly unknown[]
  default?: unknown
  enum?: readonly unknown[]
  anyOf?: readonly SchemaNode[]
  items?: SchemaNode
  properties?: Record<string, SchemaNode>
  required?: readonly string[]
  minProperties?: number
  minimum?: number
}

const RUN = '01kb3v6r5e2m8s4d9c7x1q0zta'
const INSTANT = '2026-11-22T03:00:00.000Z'

/** Values of members by name: those of a backup that has completed. */
const VALUES: Record<string, unknown> = {
  action: 'run',
  added: 1,
  attempt: 1,
  because: 'the type is backup',
  by: 'cli:ada',
  bytes: 1_048_576,
  call: 'settle',
  changed: 1,
  class: 'normal',
  code: 'battery_low',
  count: 1,
  created: true,
  created_at: '2026-11-21T12:00:00.000Z',
  created_by: 'cli:ada',
  decision: 'hold',
  description: 'Copies the folder to the other disk',
  detail: { task: 'backup' },
  duration: 12.4,
  enabled: true,
  file: 'config.json',
  fingerprint: '5f1d7a84be20c96e',
  finished_at: '2026-11-22T03:00:12.400Z',
  from: '2026-11-22T02:00:00.000Z',
  gate: 'battery',
  id: RUN,
  instance: '/api/tasks/bakcup',
  key: 'backup-2026-11-22',
  kind: 'cron',
  label: 'completed',
  level: 'info',
  listener: 'events',
  longest_run: RUN,
  matched: 1,
  max_retries: 3,
  message: 'on battery (62 %), needs mains',
  misfire: 'run_latest',
  name: 'backup',
  observed: 'battery',
  ok: true,
  origin: 'api',
  outcome: 'completed',
  overlap: 'skip',
  path: '/home/ada/offpeak/data/uploads/backup',
  payload: { full: true },
  priority: 'normal',
  quality: 'full',
  queue: 'default',
  reason: 'on battery (62 %), needs mains',
  ref: 'backup',
  required: 'mains',
  result: { copied: 12 },
  row: '17',
  run: RUN,
  runs: 1,
  schedule: 'backup',
  scope: 'task',
  seconds: 600,
  sensor: 'battery',
  seq: 17,
  sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  source: 'backgroundtask/backup.ts',
  state: 'completed',
  status: 'ok',
  step: 'copied',
  subject: 'backup',
  table: 'run',
  tag: 'disk',
  task: 'backup',
  text: '12 files copied',
  timeout: 300,
  timezone: 'Europe/Rome',
  trigger: '0 3 * * *',
  turn: 1,
  type: 'backup',
  value: 0.31,
  version: '1.0.0',
  where: 'backgroundtask/backup.ts:12:5',
  words: 'at 03:00'
}

const typesOf = ({ type = [] }: SchemaNode): readonly string[] => [type].flat() as string[]
const isWord = (value: unknown): value is string => typeof value === 'string'

const typeNames = (value: unknown): string[] => typeof value === 'number' ? ['number', 'integer'] : [typeof value]

/** The value that the name of a member suggests, if the schema permits it. A number that may be `unknown` permits
 *  strings, but none of these. */
function suggested (schema: SchemaNode, name: string): unknown {
  const value = Object.hasOwn(VALUES, name) ? VALUES[name] : undefined
  if (value === undefined || (schema.enum && !schema.enum.includes(value))) return undefined
  const types = typesOf(schema)
  if (types.length === 0) return value
  const isMaybe = isWord(value) && types.some(type => type === 'number' || type === 'boolean')
  return isMaybe || !typeNames(value).some(type => types.includes(type)) ? undefined : value
}

function objectOf ({ properties = {}, required = [] }: SchemaNode): Record<string, unknown> {
  const named = Object.entries(properties).filter(([name, { examples }]) => required.includes(name) || examples)
  return Object.fromEntries(named.map(([name, schema]) => [name, exampleOf(schema, name)]))
}

function made (schema: SchemaNode, name: string): unknown {
  const types = typesOf(schema)
  if (types.includes('object')) return objectOf(schema)
  if (types.includes('array')) {
    return schema.items === undefined
      ? []
      : [exampleOf(schema.items, name.replace(/s$/, ''))]
  }
  if (types.includes('boolean')) return false
  if (types.includes('number') || types.includes('integer')) return Math.max(schema.minimum ?? 0, 0)
  if (types.length === 0) return null
  return schema.description?.includes('ISO 8601') ? INSTANT : 'text'
}

/** A value that fits a schema: one of its examples, its default, or one made of its parts. `name`: of the member that
 *  has the schema. */
export function exampleOf (schema: SchemaNode, name = ''): unknown {
  const { examples, default: standard, enum: words, anyOf } = schema
  if (examples !== undefined) return examples[0]
  if (standard !== undefined) return standard
  const value = suggested(schema, name)
  if (value !== undefined) return value
  if (typesOf(schema).includes('null')) return null
  if (words !== undefined) return words.find(isWord)
  return anyOf === undefined ? made(schema, name) : exampleOf(anyOf[0]!, name)
}
