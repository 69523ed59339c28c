import { listenForSignals } from '../lib/io/signals.ts';

describe('listenForSignals', () => {
  const listen = ({ nohup = false } = {}) => {
    const seen = { quits: [] as number[], told: [] as string[], time: 0 };
    const stop = listenForSignals({
      onSignal: (name) => seen.told.push(name),
      quit: (code) => seen.quits.push(code),
      now: () => seen.time,
      nohup,
    });
    return { stop, seen };
  };

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
    '%s asks to stop, once within a second',
    (name) => {
      const { stop, seen } = listen();
      expect(stop.signal).toBeUndefined();
      process.emit(name);
      seen.time = 999;
      process.emit(name);
      process.emit('SIGINT');
      expect(stop.signal).toBe(name);
      expect(seen.told).toEqual([name]);
      expect(seen.quits).toEqual([]);
      stop.dispose();
    },
  );

  test('a SIGINT after a second quits at once, a SIGTERM waits on', () => {
    const { stop, seen } = listen();
    process.emit('SIGTERM');
    seen.time = 1000;
    process.emit('SIGTERM');
    expect(seen.quits).toEqual([]);
    process.emit('SIGINT');
    expect(seen.quits).toEqual([130]);
    stop.dispose();
  });

  test('a SIGQUIT after a second quits at once, a SIGHUP waits on', () => {
    const { stop, seen } = listen();
    process.emit('SIGHUP');
    seen.time = 1000;
    process.emit('SIGHUP');
    expect(seen.quits).toEqual([]);
    process.emit('SIGQUIT');
    expect(seen.quits).toEqual([131]);
    stop.dispose();
  });

  test('under nohup a terminal that closes ends nothing', () => {
    const { stop, seen } = listen({ nohup: true });
    process.emit('SIGHUP');
    expect([stop.signal, seen.told]).toEqual([undefined, []]);
    process.emit('SIGTERM');
    expect(stop.signal).toBe('SIGTERM');
    stop.dispose();
  });

  test('SIGUSR1 asks for one save', () => {
    const { stop } = listen();
    expect(stop.takeSaveRequest!()).toBe(false);
    process.emit('SIGUSR1');
    process.emit('SIGUSR2');
    expect(stop.takeSaveRequest!()).toBe(true);
    expect(stop.takeSaveRequest!()).toBe(false);
    expect(stop.signal).toBeUndefined();
    stop.dispose();
  });

  test('gives the signals back', () => {
    const before = process.listenerCount('SIGINT');
    const { stop } = listen();
    expect(process.listenerCount('SIGINT')).toBe(before + 1);
    stop.dispose();
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});
