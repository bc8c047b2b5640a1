// Every word that people read, in each language. `Texts` is made from English: a language with a missing key does not
// compile. The server's own sentences (reasons, refusals) are shown as they come.

const en = {
  languageName: 'English',

  // Player: what the picture does.
  connecting: 'Connecting',
  playing: 'Live',
  waiting: 'Waiting for the picture',
  failed: 'No picture',
  stopped: 'Stopped',

  // Player: why there is no picture.
  notFound: 'There is no stream of this name on the server.',
  refused: (status: number) => `The server refused to play it (HTTP ${status}).`,
  unreachable: 'The server does not answer.',
  badAnswer: 'This browser cannot play what the server offers.',
  noPath:
    'The server answers, but its picture does not get through. Is its WebRTC port (8555, UDP and TCP) open?',
  lost: 'The connection was lost.',
  noFrames: 'The camera is live, but no picture arrives here.',
  camera: {
    idle: 'Nobody sends this stream at the moment.',
    connecting: 'The server is connecting to the camera.',
    failed: 'The camera does not deliver.',
  },
  noDecoder: (codec: string) => `This browser does not decode ${codec}.`,
  unsupported: (mode: string) => `This browser has no ${mode}, or it is switched off.`,
  nothingToPlay: 'No stream is chosen: the attribute “src” is missing.',
  triesAgain: 'Trying again by itself.',

  // Player: why it is not played by a better transport. Clauses, after the transport's name and a colon.
  why: {
    refused: (status: number) => `the server refused (HTTP ${status})`,
    notOffered: 'the server does not offer it',
    unreachable: 'the server did not answer',
    badAnswer: 'the browser cannot use what the server offers',
    noPath: 'the media path did not come up',
    lost: 'the connection broke again and again',
    noFrames: 'no picture arrived',
    noDecoder: (codec: string) => `this browser does not decode ${codec}`,
    unsupported: 'this browser does not have it',
  },
  playingBy: (mode: string, reasons: string) => `Playing by ${mode}. ${reasons}.`,
  tryingBy: (mode: string, reasons: string) => `Trying ${mode}. ${reasons}.`,

  // Player: the overlay with figures.
  figures: {
    title: 'Figures',
    mode: 'Transport',
    why: 'Why',
    codec: 'Codec',
    resolution: 'Resolution',
    framesPerSecond: 'Frames/s',
    bitrate: 'Bitrate',
    latency: 'Latency',
    latencyFrom: {
      network: 'estimate: network and buffer, without the camera',
      clock: 'estimate: by the playlist’s clock',
      edge: 'estimate: behind the playlist’s end',
    },
    loss: 'Loss',
    packets: (count: number) => (count === 1 ? '1 packet' : `${count} packets`),
    level: 'Level',
    levelOf: (level: number, levels: number) => `${level} of ${levels}`,
    buffer: 'Buffer',
    dropped: 'Dropped',
    frames: (count: number) => (count === 1 ? '1 frame' : `${count} frames`),
  },

  // Player: controls.
  playerLabel: (name: string) => `Live picture of ${name}`,
  controls: 'Player controls',
  play: 'Play',
  stop: 'Stop',
  mute: 'Mute',
  unmute: 'Turn sound on',
  pictureInPicture: 'Picture in picture',
  fullscreen: 'Full screen',
  leaveFullscreen: 'Leave full screen',
  tryNow: 'Try now',
  showFigures: 'Show figures',
  hideFigures: 'Hide figures',
  quality: 'Quality',
  automatic: 'Auto',

  // Pages.
  streams: 'Streams',
  allStreams: 'All streams',
  loading: 'Asking the server for its streams…',
  count: (streams: number, live: number) =>
    `${streams} ${streams === 1 ? 'stream' : 'streams'}, ${live} live`,
  state: { idle: 'Idle', connecting: 'Connecting', live: 'Live', failed: 'Failed' },
  stateHint: {
    idle: 'Starts when somebody watches.',
    connecting: 'The camera is being asked for its picture.',
    live: '',
    failed: 'The camera does not deliver.',
  },
  retryIn: (seconds: number) => (seconds === 0 ? 'Next try now.' : `Next try in ${seconds} s.`),
  viewers: (count: number) => (count === 0 ? 'No viewers' : count === 1 ? '1 viewer' : `${count} viewers`),
  video: 'Video',
  audio: 'Sound',
  mono: 'mono',
  stereo: 'stereo',
  channels: (count: number) => `${count} channels`,
  watch: 'Watch',
  watchName: (name: string) => `Watch ${name}`,
  copyAddress: (protocol: string, name: string) => `Copy the ${protocol} address of ${name}`,
  copied: 'Copied',
  copyByHand: 'Copy this address:',
  close: 'Close',

  emptyTitle: 'No streams yet',
  emptyText: 'Write your camera into the configuration file and start Yeoul again:',
  emptyHint: 'Before the colon stands a name of your choice, after it the address from your camera’s manual.',

  errorTitle: 'The server does not answer',
  errorText: 'Is Yeoul running? This page asks again every two seconds.',
  refusedTitle: 'The server refused',
  refusedText: (status: number) => `It answered with HTTP ${status}.`,
  stale: 'The server does not answer. This is what it said last.',
};

export type Texts = typeof en;

const ko: Texts = {
  languageName: '한국어',

  connecting: '연결 중',
  playing: '실시간',
  waiting: '영상을 기다리는 중',
  failed: '영상 없음',
  stopped: '멈춤',

  notFound: '서버에 이 이름의 스트림이 없습니다.',
  refused: (status) => `서버가 재생을 거부했습니다(HTTP ${status}).`,
  unreachable: '서버가 응답하지 않습니다.',
  badAnswer: '서버가 보내려는 형식을 이 브라우저가 재생하지 못합니다.',
  noPath:
    '서버는 응답하지만 영상이 여기까지 오지 못합니다. 서버의 WebRTC 포트(8555, UDP와 TCP)가 열려 있나요?',
  lost: '연결이 끊어졌습니다.',
  noFrames: '카메라는 켜져 있지만 영상이 여기로 오지 않습니다.',
  camera: {
    idle: '지금은 이 스트림으로 영상을 보내는 곳이 없습니다.',
    connecting: '서버가 카메라에 연결하고 있습니다.',
    failed: '카메라가 영상을 보내지 않습니다.',
  },
  noDecoder: (codec) => `이 브라우저는 ${codec} 영상을 디코딩하지 못합니다.`,
  unsupported: (mode) => `이 브라우저에는 ${mode} 기능이 없거나 꺼져 있습니다.`,
  nothingToPlay: '스트림이 정해지지 않았습니다. “src” 속성이 없습니다.',
  triesAgain: '자동으로 다시 시도합니다.',

  why: {
    refused: (status) => `서버가 거부함(HTTP ${status})`,
    notOffered: '서버가 제공하지 않음',
    unreachable: '서버가 응답하지 않음',
    badAnswer: '서버가 보내려는 형식을 브라우저가 쓰지 못함',
    noPath: '영상이 올 길이 열리지 않음',
    lost: '연결이 자꾸 끊어짐',
    noFrames: '영상이 오지 않음',
    noDecoder: (codec) => `이 브라우저는 ${codec} 영상을 디코딩하지 못함`,
    unsupported: '이 브라우저에 없는 기능',
  },
  playingBy: (mode, reasons) => `${mode} 방식으로 재생합니다. ${reasons}.`,
  tryingBy: (mode, reasons) => `${mode} 방식을 시도합니다. ${reasons}.`,

  figures: {
    title: '재생 수치',
    mode: '재생 방식',
    why: '이유',
    codec: '코덱',
    resolution: '해상도',
    framesPerSecond: '초당 프레임',
    bitrate: '비트레이트',
    latency: '지연',
    latencyFrom: {
      network: '추정: 네트워크와 버퍼, 카메라 제외',
      clock: '추정: 재생목록의 시각 기준',
      edge: '추정: 재생목록의 끝 기준',
    },
    loss: '손실',
    packets: (count) => `패킷 ${count}개`,
    level: '화질 단계',
    levelOf: (level, levels) => `${levels}개 중 ${level}번째`,
    buffer: '버퍼',
    dropped: '버려짐',
    frames: (count) => `프레임 ${count}개`,
  },

  playerLabel: (name) => `${name} 실시간 영상`,
  controls: '재생 조작',
  play: '재생',
  stop: '멈추기',
  mute: '소리 끄기',
  unmute: '소리 켜기',
  pictureInPicture: '화면 속 화면',
  fullscreen: '전체 화면',
  leaveFullscreen: '전체 화면 끝내기',
  tryNow: '지금 다시 시도',
  showFigures: '수치 보이기',
  hideFigures: '수치 숨기기',
  quality: '화질',
  automatic: '자동',

  streams: '스트림',
  allStreams: '모든 스트림',
  loading: '서버에 스트림 목록을 묻고 있습니다…',
  count: (streams, live) => `스트림 ${streams}개, 실시간 ${live}개`,
  state: { idle: '대기', connecting: '연결 중', live: '실시간', failed: '실패' },
  stateHint: {
    idle: '누군가 보기 시작하면 켜집니다.',
    connecting: '카메라에 영상을 요청하고 있습니다.',
    live: '',
    failed: '카메라가 영상을 보내지 않습니다.',
  },
  retryIn: (seconds) => (seconds === 0 ? '지금 다시 시도합니다.' : `${seconds}초 뒤 다시 시도합니다.`),
  viewers: (count) => (count === 0 ? '보는 사람 없음' : `${count}명 보는 중`),
  video: '영상',
  audio: '소리',
  mono: '모노',
  stereo: '스테레오',
  channels: (count) => `${count}채널`,
  watch: '보기',
  watchName: (name) => `${name} 보기`,
  copyAddress: (protocol, name) => `${name}의 ${protocol} 주소 복사`,
  copied: '복사했습니다',
  copyByHand: '이 주소를 복사하세요:',
  close: '닫기',

  emptyTitle: '아직 스트림이 없습니다',
  emptyText: '설정 파일에 카메라를 적고 여울을 다시 시작하세요.',
  emptyHint: '콜론 앞에는 원하는 이름을, 뒤에는 카메라 설명서에 나온 주소를 적습니다.',

  errorTitle: '서버가 응답하지 않습니다',
  errorText: '여울이 실행 중인가요? 이 페이지는 2초마다 다시 묻습니다.',
  refusedTitle: '서버가 거부했습니다',
  refusedText: (status) => `HTTP ${status}(으)로 응답했습니다.`,
  stale: '서버가 응답하지 않습니다. 아래는 마지막으로 받은 내용입니다.',
};

const LANGUAGES = { en, ko };
export type Language = keyof typeof LANGUAGES;

/** The language for a tag such as `ko-KR`; English for every tag that there is no table for. */
export function languageOf(tag: string): Language {
  const primary = tag.toLowerCase().split('-')[0] ?? '';
  return Object.hasOwn(LANGUAGES, primary) ? (primary as Language) : 'en';
}

export function textsFor(tag: string): Texts {
  return LANGUAGES[languageOf(tag)];
}
