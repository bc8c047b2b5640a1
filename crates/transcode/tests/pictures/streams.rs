use crate::media::{Coding, elementary_stream};
use crate::reference::{decoded, planes};
use yeoul_transcode::still_decoder;
use std::collections::HashMap;

#[test]
fn explore() {
    let Some(shared) = yeoul_testkit::shared() else { return };
    let mut files: Vec<_> = std::fs::read_dir(shared.join("media/h264-conformance")).unwrap().map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "264")).collect();
    files.sort();
    for path in files {
        let data = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let stream = elementary_stream(&data, Coding::H264);
        println!("== {} {:?} frames {}", path.file_name().unwrap().display(), stream.codec, stream.frames.len());
        let mut decoder = match still_decoder(&stream.codec) { Ok(d) => d, Err(e) => { println!("   decoder: {e}"); continue } };
        let mut ours = vec![];
        let mut errors: Vec<String> = vec![];
        let mut size = None;
        for (i, frame) in stream.frames.iter().enumerate() {
            match decoder.decode(frame) {
                Ok(()) => { let p = decoder.take_picture(); match p { Some(p) => { size = Some(p.size()); ours.push(planes(&p)) }, None => errors.push(format!("{i}: none")) } }
                Err(e) => errors.push(format!("{i}: {e}")),
            }
        }
        println!("   pictures {} errors {} {:?}", ours.len(), errors.len(), errors.iter().take(3).collect::<Vec<_>>());
        let Some(size) = size else { continue };
        if name.starts_with("Error") { continue; }
        let theirs = decoded(&path, &[], size);
        let mut map: HashMap<&[u8], i32> = HashMap::new();
        for p in &theirs { *map.entry(p).or_default() += 1; }
        let mut same = 0;
        for p in &ours { if let Some(n) = map.get_mut(p.as_slice()) { if *n > 0 { *n -= 1; same += 1; } } }
        println!("   ffmpeg {} same {same} in order {}", theirs.len(), ours.iter().zip(&theirs).filter(|(a, b)| a == b).count());
    }
}
