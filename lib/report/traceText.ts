// The words of a trace, in English and in Japanese.

/** A sentence in both languages. */
export interface Both {
  en: string;
  ja: string;
}

/** The title, the explanation and the formula of a part of the walk. */
export interface PartText {
  title: Both;
  text: Both;
  formula?: string;
}

/** The parts of the walk by name. */
export const partTexts = {
  image: {
    title: { en: 'The image', ja: '画像' },
    text: {
      en: 'The picture as the model sees it. Each value is brought to mean 0 and deviation 1 of the training images.',
      ja: 'モデルが見る画像です。各値は、学習画像の平均が 0、標準偏差が 1 になるように正規化されます。',
    },
    formula: 'x = (pixel / 255 − mean) / std',
  },
  patches: {
    title: { en: 'Patches', ja: 'パッチ' },
    text: {
      en: 'The image is cut into squares, row by row. From here on a patch is a word, and the image a sentence.',
      ja: '画像を正方形のパッチに、上の行から順に切り分けます。ここから先は、パッチが単語、画像が文にあたります。',
    },
    formula: 'P = (H / p) · (W / p)',
  },
  embedding: {
    title: { en: 'Embedding', ja: '埋め込み' },
    text: {
      en: 'One matrix turns the pixels of each patch into C numbers. A row of the picture is a patch.',
      ja: '1 つの行列で、各パッチの画素を C 個の数に変えます。図の 1 行が 1 パッチです。',
    },
    formula: 'z = patch · Wᵀ + b',
  },
  tokens: {
    title: { en: 'Class token and positions', ja: 'クラストークンと位置' },
    text: {
      en: 'A learned class token is put before the patches, and a learned vector for its place is added to each token, because attention alone knows no places.',
      ja: '学習したクラストークンをパッチの前に置き、各トークンに場所ごとの学習済みベクトルを加えます。アテンションだけでは場所が分からないからです。',
    },
    formula: 'z₀ = [class; patches] + E_pos',
  },
  norm: {
    title: { en: 'Norm', ja: '正規化' },
    text: {
      en: 'Each token is brought to mean 0 and deviation 1, then scaled and shifted by learned numbers.',
      ja: '各トークンを平均 0、標準偏差 1 にし、学習した数で伸縮とずらしを行います。',
    },
    formula: 'y = γ (z − μ) / σ + β',
  },
  qkv: {
    title: { en: 'Queries, keys, values', ja: 'クエリ、キー、バリュー' },
    text: {
      en: 'Three matrices give each token a question (query), a label (key) and a message (value), for each head by itself. Drawn: the first head.',
      ja: '3 つの行列で、各トークンの問い（クエリ）、見出し（キー）、内容（バリュー）を、ヘッドごとに作ります。図は最初のヘッドです。',
    },
    formula: 'Q, K, V = y · W_qkvᵀ + b',
  },
  scores: {
    title: { en: 'Q · K', ja: 'Q · K' },
    text: {
      en: 'Every query is multiplied with every key: how well does the label answer the question? Row: the token that asks. Column: the token that is asked.',
      ja: 'すべてのクエリとすべてのキーの積を取ります。見出しが問いにどれだけ合うかを表します。行が問うトークン、列が問われるトークンです。',
    },
    formula: 'S = Q · Kᵀ / √D',
  },
  softmax: {
    title: { en: 'Softmax: attention', ja: 'ソフトマックス: アテンション' },
    text: {
      en: 'Each row becomes shares that sum to 1. The row of the class token, laid over the image, shows from where it reads.',
      ja: '各行を、合計が 1 の割合に変えます。クラストークンの行を画像に重ねると、どこから読むかが分かります。',
    },
    formula: 'A = softmax(S)',
  },
  mix: {
    title: { en: 'Weighted sum of V', ja: 'V の加重和' },
    text: {
      en: 'Each token takes the messages of all tokens in these shares.',
      ja: '各トークンが、この割合で全トークンの内容を受け取ります。',
    },
    formula: 'O = A · V',
  },
  heads: {
    title: { en: 'Heads side by side', ja: 'ヘッドの連結' },
    text: {
      en: 'The results of all heads stand side by side and pass one more matrix; the sum with what was there before goes on.',
      ja: '全ヘッドの結果を横に並べ、もう 1 つの行列を通します。それまでの値との和が先へ進みます。',
    },
    formula: 'z′ = z + concat(O₁ … O_h) · W_projᵀ + b',
  },
  mlp: {
    title: { en: 'Feed-forward', ja: 'フィードフォワード' },
    text: {
      en: 'Each token by itself passes two layers with a bend (GELU) between them; again the sum goes on.',
      ja: '各トークンがそれぞれ、間に非線形（GELU）を挟んだ 2 層を通ります。ここでも和が先へ進みます。',
    },
    formula: 'z″ = z′ + W₂ · gelu(W₁ · norm(z′) + b₁) + b₂',
  },
  logits: {
    title: { en: 'The answer', ja: '答え' },
    text: {
      en: 'After all blocks the classified token gives a number for each class; softmax makes them probabilities.',
      ja: '全ブロックのあと、分類に使うトークンがクラスごとに 1 つの数を出し、ソフトマックスが確率にします。',
    },
    formula: 'p = softmax(z · W_headᵀ + b)',
  },
  table: {
    title: { en: 'Every tensor', ja: 'すべてのテンソル' },
    text: {
      en: 'The whole pass in its order. Names are those that a capture takes; shapes leave out the batch.',
      ja: '順伝播のすべてを順番に示します。名前はキャプチャで使うものと同じで、形はバッチを除いたものです。',
    },
  },
} as const satisfies Record<string, PartText>;
