// The little that the player does to session descriptions (RFC 8866) and to their fragments for trickled candidates
// (RFC 8840) and ICE restarts (RFC 9725 §4.3.1). Everything else in them is the browser's and the server's business.

export interface IceCredentials {
  ufrag: string;
  pwd: string;
}

/** One ICE generation of a peer: its credentials and candidates (`candidate:…`, as RFC 8839 §5.1 writes them). */
export interface IceDescription extends IceCredentials {
  candidates: string[];
}

/** Asks for stereo: a browser decodes Opus to mono unless its own description says otherwise (RFC 7587 §6.1). */
export function withStereoOpus(sdp: string): string {
  const payload = /^a=rtpmap:(\d+) opus\/48000\/2\r?$/im.exec(sdp)?.[1];
  if (payload === undefined) return sdp;
  return sdp.replace(new RegExp(`^(a=fmtp:${payload} )(?!.*\\bstereo=)`, 'm'), '$1stereo=1;');
}

/** The credentials of the bundled transport; null when the description has none. */
export function iceCredentials(sdp: string): IceCredentials | null {
  const ufrag = /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
  const pwd = /^a=ice-pwd:(\S+)/m.exec(sdp)?.[1];
  return ufrag === undefined || pwd === undefined ? null : { ufrag, pwd };
}

/** The body of a PATCH: new candidates of the first media section, which carries the whole bundle. */
export function iceFragment(sdp: string, candidates: string[], end: boolean): string {
  const credentials = iceCredentials(sdp);
  const lines = [
    /^a=group:BUNDLE [^\r\n]*/m.exec(sdp)?.[0],
    credentials && `a=ice-ufrag:${credentials.ufrag}`,
    credentials && `a=ice-pwd:${credentials.pwd}`,
    // Without its formats, as RFC 8840 §9 wants: any one format stands for all.
    /^m=\w+ \d+ \S+/m.exec(sdp)?.[0].concat(' 0'),
    /^a=mid:[^\r\n]*/m.exec(sdp)?.[0],
    ...candidates.map((candidate) => `a=${candidate}`),
    end ? 'a=end-of-candidates' : null,
  ];
  return lines.flatMap((line) => (line ? `${line}\r\n` : [])).join('');
}

/** Reads the server's half of an ICE restart; null when it has no credentials. */
export function parseIceFragment(fragment: string): IceDescription | null {
  const credentials = iceCredentials(fragment);
  return credentials && { ...credentials, candidates: candidateLines(fragment) };
}

/** The answer as it would be, were it given with these credentials and candidates. */
export function withIce(answer: string, ice: IceDescription): string {
  const [head = '', ...sections] = answer.split(/(?=^m=)/m);
  return [
    replaceCredentials(head, ice),
    ...sections.map((section, index) => {
      const lines = replaceCredentials(section, ice).replace(
        /^a=(candidate:.*|end-of-candidates)\r?\n/gm,
        '',
      );
      return index === 0 ? lines + ice.candidates.map((candidate) => `a=${candidate}\r\n`).join('') : lines;
    }),
  ].join('');
}

function replaceCredentials(section: string, { ufrag, pwd }: IceCredentials): string {
  return section
    .replace(/^a=ice-ufrag:[^\r\n]*/gm, () => `a=ice-ufrag:${ufrag}`)
    .replace(/^a=ice-pwd:[^\r\n]*/gm, () => `a=ice-pwd:${pwd}`);
}

function candidateLines(sdp: string): string[] {
  return [...sdp.matchAll(/^a=(candidate:[^\r\n]*)/gm)].flatMap(([, candidate]) => candidate ?? []);
}
