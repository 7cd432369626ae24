import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { openFile } from './file-body';

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
const TYPES = ['image/png'];

describe('a file that is being sent', () => {
  let payload: PassThrough;

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    payload = new PassThrough();
  });

  afterEach(() => jest.useRealTimers());

  const open = (): ReturnType<typeof openFile> => openFile(payload as unknown as IncomingMessage, 'image/png', TYPES);

  /** Sends more than anything keeps, and tells whether it went by. */
  const flowsBy = async (): Promise<boolean> => {
    for (let i = 0; i < 20; i++) {
      payload.write(Buffer.alloc(100_000));
      await turn();
      await turn();
    }
    return payload.readableLength + payload.writableLength === 0;
  };

  it('may take a minute, and no longer', async () => {
    const opened = open();
    payload.write(PNG);
    const { content } = await opened;
    const read = (async () => {
      for await (const chunk of content) void chunk;
    })();
    read.catch(() => undefined);
    await turn();
    // However often a little comes.
    for (let second = 0; second < 59; second++) {
      jest.advanceTimersByTime(1_000);
      payload.write('a');
      await turn();
    }
    await expect(Promise.race([read, turn('comes')])).resolves.toBe('comes');
    jest.advanceTimersByTime(1_001);
    await expect(read).rejects.toMatchObject({ code: 'request_timeout' });
    expect(await flowsBy()).toBe(true);
  });

  it('may not be silent before it is known what it is either', async () => {
    const opened = open();
    opened.catch(() => undefined);
    await turn();
    jest.advanceTimersByTime(60_001);
    await expect(opened).rejects.toMatchObject({ code: 'request_timeout' });
    expect(await flowsBy()).toBe(true);
  });

  it('of a kind that is not taken flows by, so that its sender can read why', async () => {
    payload.write('#!/bin/sh\necho this is no picture\n');
    await expect(openFile(payload as unknown as IncomingMessage, 'text/plain', TYPES)).rejects.toMatchObject({
      code: 'unsupported_media_type',
    });
    expect(await flowsBy()).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('of which the rest is not wanted flows by', async () => {
    payload.write(PNG);
    const { content } = await open();
    for await (const chunk of content) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(await flowsBy()).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });
});
