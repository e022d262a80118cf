import { Type } from 'typebox'
import { faultsOf } from '../core/index.ts'
import type { TaskContext, TaskDefinition } from '../core/index.ts'
import { SmtpInput, SmtpUnset, smtpOf, transportOf, withoutSecrets } from './_net/smtp.ts'
import type { Smtp, SmtpSettings } from './_net/smtp.ts'
import { keyOf, messageOf, settingsOf } from './_task/settings.ts'
import type { Settings } from './_task/settings.ts'

const Line = Type.String({ minLength: 1, maxLength: 998, pattern: '^[^\\r\\n]*$' })
const RECIPIENTS = ['to', 'cc', 'bcc']
// If config.json lists recipients, a run may use only those; otherwise it names its own.
const Addresses = Type.Union([Line, Type.Array(Line, { minItems: 1, maxItems: 100 })], {
  configured: 'some',
  configured_when: RECIPIENTS
})
const Sender = Type.String({
  minLength: 1,
  maxLength: 998,
  pattern: '^[^\\r\\n]*$',
  configured: true,
  configured_when: ['from', 'reply_to']
})

const Input = Type.Object({
  from: Type.Optional(Sender),
  to: Type.Optional(Addresses),
  cc: Type.Optional(Addresses),
  bcc: Type.Optional(Addresses),
  reply_to: Type.Optional(Sender),
  subject: Type.Optional(Line),
  text: Type.Optional(Type.String({ maxLength: 1_000_000 })),
  html: Type.Optional(Type.String({ maxLength: 1_000_000 })),
  smtp: Type.Optional({ ...SmtpInput, configured: true })
}, { additionalProperties: false })

const DEFAULTS = { smtp: {}, subject: '(no subject)' }

type Mail = Settings<typeof Input, typeof DEFAULTS>
interface Sent {
  message_id: string
  accepted: number
  rejected: string[]
  response: string
}

/** The Message-ID, the same for every attempt of a run, so that mail programs recognise a mail that was sent twice. */
const messageId = ({ run_id }: TaskContext, from: string) =>
  `<offpeak.${run_id}@${from.match(/@([A-Za-z0-9.-]+)/)?.[1] ?? 'localhost'}>`

async function untilStopped<T> (signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason as Error)
  signal.addEventListener('abort', stop, { once: true })
  return Promise.race([promise, stopped]).finally(() => signal.removeEventListener('abort', stop))
}

/** The library that sends mail. The package of offpeak leaves it to those who do. */
async function mailLibrary (ctx: TaskContext): Promise<typeof import('nodemailer')> {
  try {
    return await import('nodemailer')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    return ctx.fail(
      'The package nodemailer is not installed: run `npm install nodemailer` where offpeak is installed, ' +
        'with -g if that is global'
    )
  }
}

interface Sending {
  library: typeof import('nodemailer')
  mail: Mail
  from: string
  smtp: Smtp
}

async function send (ctx: TaskContext, { library, mail, from, smtp }: Sending): Promise<Sent> {
  const transport = library.createTransport(transportOf(smtp))
  try {
    const { to, cc, bcc, reply_to: replyTo, subject, text, html } = mail
    const message = { from, to, cc, bcc, replyTo, subject, text: text ?? '', html, messageId: messageId(ctx, from) }
    const info = await untilStopped(ctx.signal, transport.sendMail(message))
    return {
      message_id: message.messageId,
      accepted: info.accepted.length,
      rejected: info.rejected.map(String),
      response: withoutSecrets(info.response, smtp)
    }
  } finally {
    transport.close()
  }
}

/** Fails the run if another attempt cannot help, and throws otherwise. Keeps only the message of the server, because
 *  the error of the library may contain secrets. */
function refused (ctx: TaskContext, { error, smtp }: { error: unknown, smtp: Smtp }): never {
  ctx.signal.throwIfAborted()
  const { responseCode, code } = error as { responseCode?: number, code?: string }
  const message = withoutSecrets(messageOf(error), smtp)
  if (responseCode !== undefined && responseCode >= 500) return ctx.fail(`The mail server refused: ${message}`)
  if (code === 'EENVELOPE' && responseCode === undefined) return ctx.fail(`The mail has no valid address: ${message}`)
  throw new Error(
    responseCode === undefined
      ? `${smtp.host}:${smtp.port} could not be reached: ${message}`
      : `The mail server answered: ${message}`
  )
}

/** The mail server of the payload, else `services.smtp` in config.json. */
function smtpSettings (ctx: TaskContext, mail: Mail): SmtpSettings {
  if (Object.keys(mail.smtp).length > 0) return mail.smtp
  const shared = (ctx.services.config as { smtp?: unknown } | null | undefined)?.smtp ?? {}
  const [fault] = faultsOf(SmtpInput, shared)
  return fault === undefined
    ? shared as SmtpSettings
    : ctx.fail(`services.smtp${fault.pointer.replaceAll('/', '.')} in config.json: ${fault.detail}`)
}

async function connectionOf (ctx: TaskContext, settings: SmtpSettings): Promise<Smtp> {
  try {
    return await smtpOf(settings, process.env)
  } catch (error) {
    if (!(error instanceof SmtpUnset)) throw error
    return ctx.fail(
      `${error.message}: set services.smtp or ${
        keyOf(ctx, 'smtp')
      } in config.json, or SMTP_URL or SMTP_URL_FILE in the environment`
    )
  }
}

async function sendEmail (ctx: TaskContext): Promise<unknown> {
  const mail = settingsOf(ctx, Input, DEFAULTS)
  const before = await ctx.checkpoint.read() as { sent?: Sent } | null
  if (before?.sent !== undefined) return { ...before.sent, sent_by_earlier_attempt: true }
  if (mail.to === undefined) {
    return ctx.fail(`The mail has no recipient: set 'to' in the payload, or ${keyOf(ctx, 'to')} in config.json`)
  }
  const settings = smtpSettings(ctx, mail)
  const smtp = await connectionOf(ctx, settings)
  const from = mail.from ?? settings.from ?? (smtp.user?.includes('@') ? smtp.user : undefined)
  if (from === undefined) {
    return ctx.fail(`The mail has no sender: set services.smtp.from or ${keyOf(ctx, 'from')} in config.json`)
  }
  const library = await mailLibrary(ctx)
  const sent = await send(ctx, { library, mail, from, smtp }).catch((error: unknown) => refused(ctx, { error, smtp }))
  await ctx.checkpoint.save({ sent })
  ctx.log.info({ accepted: sent.accepted, rejected: sent.rejected.length, message_id: sent.message_id }, 'mail sent')
  return sent.rejected.length === 0 ? sent : ctx.warn(`${sent.rejected.length} recipients were refused`, sent)
}

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'send_email',
  name: 'Send an email',
  description: 'Sends a mail through an SMTP server. Runs on request, from the command line, the API or another task.',
  func: sendEmail,
  trigger: null,
  enabled: false,
  max_retries: 5,
  timeout: '2m',
  type: 'notification',
  priority: 'high',
  tags: ['network', 'mail'],
  // It is most useful when the disk is full.
  constraints: { disk_free: 0 },
  concurrency: 5,
  payload: {},
  input: Input
}]
